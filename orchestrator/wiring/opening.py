"""Which campaigns a run drives: the unfinished ones, or some opened now."""

import re
from collections.abc import Sequence
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

__all__ = [
    "DRY_RUN_START",
    "dry_run_shelf",
    "open_campaign",
    "open_campaigns",
    "unfinished_campaigns",
]

DRY_RUN_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When virtual time begins, so that two dry-runs with one seed write the same log."""


def open_campaigns(log: SqliteLog, prepared: Sequence[Prepared]) -> list[str]:
    """Return the ids of the campaigns to drive together; those that are new are opened.

    In a dry-run they share one shelf, which is named after the first of them. Nothing is opened or
    resumed unless all can be.

    Args:
        log: The laboratory's.
        prepared: Of one rig, one database and one kind of run.

    Raises:
        RequestRefused: See `open_campaign`; or those to resume are not of one bench.
        ActRepeated: The act that this is done for was done before.
    """
    if len(prepared) == 1:
        return [open_campaign(log, prepared[0])]
    if prepared[0].options.resume:
        states = [_one_to_resume(log, one) for one in prepared]
        _refuse_apart(states)
        pairs = zip(prepared, states, strict=True)
        return [_ask_to_resume(log, one, state) for one, state in pairs]
    for one in prepared:
        if not one.options.new:
            _refuse_unfinished(log, one)
    shelf, opened = "", []
    for one in prepared:
        opened.append(open_campaign(log, one, shelf=shelf))
        shelf = shelf or dry_run_shelf(opened[0])
    return opened


def dry_run_shelf(campaign_id: str) -> str:
    """Return the name of the shelf of a dry-run's pretended bench.

    Args:
        campaign_id: The first that was opened on it.

    Example:
        >>> dry_run_shelf("oer-plate-1")
        'dry-run/oer-plate-1'
    """
    return f"dry-run/{campaign_id}"


def open_campaign(log: SqliteLog, prepared: Prepared, *, shelf: str = "") -> str:
    """Return the id of the campaign to drive; if it is a new one, it is opened.

    Args:
        log: The laboratory's.
        prepared: Its files.
        shelf: Of the pretended bench that it shares in a dry-run; empty for a bench of its own.

    Raises:
        RequestRefused: One is unfinished and the options do not say what to do about it, there is
            none to resume, it was opened with other files, or another process drives it.
        ActRepeated: The act that this is done for was done before.
    """
    options, name = prepared.options, prepared.campaign.header.name
    _refuse_repeated(log, options)
    while True:
        if options.resume:
            return _ask_to_resume(log, prepared, _one_to_resume(log, prepared))
        if not options.new:
            _refuse_unfinished(log, prepared)
        try:
            return _open_new(log, prepared, _free_id(log, name), shelf)
        except VersionConflict:  # another process opened one of this name meanwhile: look again
            continue


def _refuse_unfinished(log: SqliteLog, prepared: Prepared) -> None:
    unfinished = unfinished_campaigns(log, prepared.campaign.header.name)
    if unfinished:
        names = ", ".join(state.campaign_id for state in unfinished)
        raise RequestRefused(
            f"campaign {names} is unfinished in {prepared.options.database}: "
            "go on with it (--resume) or open another one (--new)"
        )


def _refuse_apart(states: Sequence[CampaignState]) -> None:
    """Refuse to go on together with campaigns that were opened on different pretended benches."""
    if len({state.shelf for state in states}) > 1:
        found = ", ".join(f"{state.campaign_id} on {state.shelf}" for state in states)
        raise RequestRefused(
            f"resume: got {found}, expected campaigns that were opened by one command: "
            "resume each by itself"
        )


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


def _one_to_resume(log: SqliteLog, prepared: Prepared) -> CampaignState:
    options = prepared.options
    unfinished = unfinished_campaigns(log, prepared.campaign.header.name)
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
    for beside in _on_pretended_bench(log, state):
        _refuse_driven(log, beside)
    return state


def _on_pretended_bench(log: SqliteLog, state: CampaignState) -> list[CampaignState]:
    """Return the campaigns beside one that was opened in a dry-run with others.

    While one of them is driven, the bench lives in that process.
    """
    if not state.shelf.startswith(dry_run_shelf("")):
        return []
    rows = log.projection("campaign", where={"shelf": state.shelf})
    names = {str(row["campaign_id"]) for row in rows} - {state.campaign_id}
    found = [recovered_state(log, name) for name in sorted(names)]
    return [one.state for one in found if one is not None]


def _ask_to_resume(log: SqliteLog, prepared: Prepared, state: CampaignState) -> str:
    options = prepared.options
    now = state.last_time if options.is_dry_run else SystemClock(options.speed).now()
    time = max(state.last_time, now)
    if state.status.is_waiting or options.reason:
        log.append(
            campaign_stream(state.campaign_id),
            [ResumeRequested(reason=options.reason or "resumed with athanor run")],
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


def _open_new(log: EventLog, prepared: Prepared, campaign_id: str, shelf: str) -> str:
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
        slots=rig.slots,
        capacities=rig.capacities,
        contamination=rig.contamination_rules,
        shelf=(shelf or dry_run_shelf(campaign_id)) if options.is_dry_run else "",
        reason=options.reason,
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
