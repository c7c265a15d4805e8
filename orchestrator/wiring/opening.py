"""Which campaign a run drives: the unfinished one, or one opened now."""

import re
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from drivers.clock import SystemClock
from orchestrator.alarms.signs_of_life import engine_name, is_alive
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import CampaignOpened, ResumeRequested, campaign_stream
from orchestrator.errors import ActRepeated, RequestRefused, VersionConflict
from orchestrator.execution.equal_instruments import equal_instruments
from orchestrator.log.event_log import EventLog
from orchestrator.log.recovered import recovered_state
from orchestrator.log.sql_log import SqliteLog
from orchestrator.wiring.preparation import Prepared, RunOptions

__all__ = ["DRY_RUN_START", "open_campaign", "unfinished_campaigns"]

DRY_RUN_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When virtual time begins, so that two dry-runs with one seed write the same log."""


def open_campaign(log: SqliteLog, prepared: Prepared) -> str:
    """Return the id of the campaign to drive; if it is a new one, it is opened.

    Raises:
        RequestRefused: One is unfinished and the options do not say what to do about it, there is
            none to resume, it was opened with other files, or another process drives it.
        ActRepeated: The act that this is done for was done before.
    """
    options, name = prepared.options, prepared.campaign.header.name
    _refuse_repeated(log, options)
    while True:
        unfinished = unfinished_campaigns(log, name)
        if options.resume:
            return _resume(log, prepared, unfinished)
        if unfinished and not options.new:
            names = ", ".join(state.campaign_id for state in unfinished)
            raise RequestRefused(
                f"campaign {names} is unfinished in {options.database}: "
                "go on with it (--resume) or open another one (--new)"
            )
        try:
            return _open_new(log, prepared, _free_id(log, name))
        except VersionConflict:  # another process opened one of this name meanwhile: look again
            continue


def _refuse_repeated(log: EventLog, options: RunOptions) -> None:
    """Refuse to do an act a second time.

    Raises:
        ActRepeated: It was done before.
    """
    kept = None if options.act is None else log.kept_act(options.act.key)
    if kept is not None:
        raise ActRepeated(kept.key, seq=kept.seq, request=kept.request)


def unfinished_campaigns(log: EventLog, name: str) -> list[CampaignState]:
    """Return the campaigns of a name that have not ended, oldest first.

    Args:
        log: The laboratory's.
        name: As the campaign's file says it.
    """
    found = []
    number = 1
    while log.version(campaign_stream(f"{_slug(name)}-{number}")):
        recovered = recovered_state(log, f"{_slug(name)}-{number}")
        if recovered is not None and not recovered.state.status.has_ended:
            found.append(recovered.state)
        number += 1
    return found


def _free_id(log: EventLog, name: str) -> str:
    number = 1
    while log.version(campaign_stream(f"{_slug(name)}-{number}")):
        number += 1
    return f"{_slug(name)}-{number}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "campaign"


def _resume(log: SqliteLog, prepared: Prepared, unfinished: list[CampaignState]) -> str:
    options = prepared.options
    if options.campaign_id is not None:
        unfinished = [one for one in unfinished if one.campaign_id == options.campaign_id]
    if len(unfinished) != 1:
        found = ", ".join(state.campaign_id for state in unfinished) or "none"
        name = prepared.campaign.header.name
        raise RequestRefused(
            f"resume: got unfinished campaigns {found} named {name!r} in {options.database}, "
            "expected exactly one"
        )
    state = unfinished[0]
    _refuse_changed(prepared, state)
    _refuse_driven(log, state)
    now = state.last_time if options.is_dry_run else SystemClock(options.speed).now()
    time = max(state.last_time, now)
    if state.status.is_waiting:
        log.append(
            campaign_stream(state.campaign_id),
            [ResumeRequested(reason="resumed with athanor run")],
            time=time,
            actor=options.actor,
            is_simulated=state.is_simulated,
            act=options.act,
        )
    elif options.act is not None:
        log.keep_act(options.act, time=time)
    return state.campaign_id


def _refuse_changed(prepared: Prepared, state: CampaignState) -> None:
    options = prepared.options
    if prepared.campaign.canonical_text() != state.spec.canonical_text():
        raise RequestRefused(
            f"{options.campaign_file} is not the file that {state.campaign_id} was opened with; "
            "open another campaign (--new)"
        )
    if prepared.rig.fingerprint() != state.rig_sha256:
        raise RequestRefused(
            f"{options.rig_file} is not the rig that {state.campaign_id} was opened with; "
            "open another campaign (--new)"
        )
    if _is_simulated(prepared) != state.is_simulated:
        kind = "a dry-run" if state.is_simulated else "on the real bench"
        raise RequestRefused(f"{state.campaign_id} is {kind}: it can only go on as that")


def _refuse_driven(log: SqliteLog, state: CampaignState) -> None:
    """Refuse a campaign that another living process drives.

    Raises:
        RequestRefused: Its engine has shown a sign of life, and its process is there.
    """
    beats = {beat.name: beat for beat in log.heartbeats()}
    beat = beats.get(engine_name(state.campaign_id))
    if beat is None or not state.is_attached:
        return
    real_now = SystemClock().now()
    if is_alive(beat, real_now=real_now, is_simulated=state.is_simulated):
        age_s = (real_now - beat.real_time).total_seconds()
        raise RequestRefused(
            f"{state.campaign_id} is driven by process {beat.pid} on {beat.host}, which showed a "
            f"sign of life {age_s:.0f} s ago; end that one first"
        )


def _open_new(log: EventLog, prepared: Prepared, campaign_id: str) -> str:
    options, campaign, rig = prepared.options, prepared.campaign, prepared.rig
    stream = campaign_stream(campaign_id)
    opened = CampaignOpened(
        campaign_id=campaign_id,
        name=campaign.header.name,
        campaign_text=campaign.canonical_text(),
        rig_name=rig.header.name,
        rig_sha256=rig.fingerprint(),
        cost_usd_per_hour=rig.header.cost_usd_per_hour,
        seed=options.seed,
        is_simulated=_is_simulated(prepared),
        athanor_version=version("athanor"),
        equal_instruments=equal_instruments(rig.instruments),
    )
    log.append(
        stream,
        [opened],
        time=DRY_RUN_START if options.is_dry_run else SystemClock(options.speed).now(),
        actor=options.actor,
        is_simulated=_is_simulated(prepared),
        expected={stream: 0},
        act=options.act,
    )
    return campaign_id


def _is_simulated(prepared: Prepared) -> bool:
    return prepared.options.is_dry_run or prepared.rig.header.is_simulated
