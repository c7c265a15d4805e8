"""What needs a person now, told purely from what is known of the laboratory and its campaigns."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from orchestrator.core.alarm_kinds import ALARM_KINDS, Condition
from orchestrator.core.approvals import waiting_for_approval
from orchestrator.core.attempts import is_unsettled
from orchestrator.core.calibration import calibrations_due
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.drift import drift_conditions
from orchestrator.core.job import JobStatus
from orchestrator.core.lab import InstrumentStatus, LabState
from orchestrator.core.patience import Patience
from orchestrator.core.stock_forecast import StockForecast

__all__ = ["SignsOfLife", "conditions"]

_TIMES_EXPECTED: Final = 3.0
"""So many times as long as it should take may a job run before it is said to hang."""
_PERSON: Final = "manual_station"
"""The driver behind which a person does the work."""


@dataclass(frozen=True, slots=True)
class SignsOfLife:
    """What is known of processes, disks and stock beside what is folded."""

    driven: frozenset[str] | None = None
    """Ids of the campaigns whose engine gives signs of life; None if nobody looked."""
    is_station_alive: bool = True
    """Whether the station that has the lines gives signs of life, or nobody looked."""
    free_mb: Mapping[str, float] = field(default_factory=dict)
    """Room that is left on a disk, in megabytes, by what is kept on it."""
    failing: Mapping[str, str] = field(default_factory=dict)
    """Stores that cannot be read or written, with the reason: the log, the station's journal."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Streams of the log that cannot be folded, with the reason."""
    short_stock: tuple[StockForecast, ...] = ()
    """What runs out sooner than a person must know."""


def conditions(
    lab: LabState,
    campaigns: Iterable[CampaignState],
    signs: SignsOfLife,
    now: datetime,
    patience: Patience,
    *,
    calibrate_every_days: Mapping[str, float] = MappingProxyType({}),
) -> tuple[Condition, ...]:
    """Return everything that needs a person now, each thing once.

    Args:
        lab: All that is known of the laboratory.
        campaigns: All that have not ended.
        signs: What is known beside the log.
        now: The present time.
        patience: How long things may last.
        calibrate_every_days: By instrument, how long a calibration counts, in days.
    """
    found = [*_of_stores(signs, patience), *_of_bench(lab, signs), *_of_parts(lab, now, patience)]
    for due in calibrations_due(lab, calibrate_every_days, now):
        found.append(ALARM_KINDS["calibration"].condition(due.instrument, due.message))
    for stock in signs.short_stock:
        found.append(ALARM_KINDS["stock"].condition(stock.stock, stock.message))
    for state in campaigns:
        found.extend(_manual_tasks(state, lab))
        found.extend(_of_campaign(state, signs, now, patience))
    return tuple(found)


def _of_stores(signs: SignsOfLife, patience: Patience) -> Iterator[Condition]:
    for store, reason in signs.failing.items():
        yield ALARM_KINDS["log_failing"].condition(store, f"{store} fails: {reason}")
    for store, free_mb in signs.free_mb.items():
        if free_mb < patience.free_space_mb:
            message = f"less than {patience.free_space_mb:g} MB are left on the disk of {store}"
            yield ALARM_KINDS["disk"].condition(store, message)
    for stream, reason in signs.unreadable.items():
        yield ALARM_KINDS["unreadable"].condition(stream, f"{stream} cannot be read: {reason}")


def _of_bench(lab: LabState, signs: SignsOfLife) -> Iterator[Condition]:
    if lab.latch:
        yield ALARM_KINDS["latch"].condition("", f"the stop latch was set: {lab.latch}")
    for name, tripped in lab.tripped.items():
        message = f"interlock {name} tripped: {tripped.reason}"
        yield ALARM_KINDS["interlock"].condition(name, message)
    for name, reason in lab.unsafe.items():
        message = f"the watchdog could not make {name} safe: {reason}"
        yield ALARM_KINDS["unsafe"].condition(name, message)
    if lab.watchdog is not None:
        message = f"the watchdog ended the station: {lab.watchdog.reason}"
        yield ALARM_KINDS["watchdog"].condition("", message)
    if lab.station is not None and not signs.is_station_alive:
        rig = lab.station.rig_name
        message = f"the station of rig {rig}, process {lab.station.pid}, gives no sign of life"
        yield ALARM_KINDS["station_silent"].condition(rig, message)
    for hook_id, time in lab.given_up.items():
        message = f"webhook {hook_id} was switched off by itself at {time:%Y-%m-%d %H:%M} UTC"
        yield ALARM_KINDS["webhook"].condition(hook_id, message)


def _of_parts(lab: LabState, now: datetime, patience: Patience) -> Iterator[Condition]:
    for name, instrument in lab.instruments.items():
        lasting_s = (now - instrument.since).total_seconds()
        said = f"since {instrument.since:%Y-%m-%d %H:%M} UTC: {instrument.reason}"
        if instrument.status is InstrumentStatus.LOST and lasting_s >= patience.lost_s:
            yield ALARM_KINDS["lost"].condition(name, f"{name} does not answer {said}")
        if instrument.status is InstrumentStatus.OUT and lasting_s >= patience.out_of_service_s:
            yield ALARM_KINDS["out_of_service"].condition(name, f"{name} is out of service {said}")
    for place, owner in lab.unclean.items():
        yield ALARM_KINDS["unclean"].condition(place, f"{owner} left {place} unclean")


def _of_campaign(
    state: CampaignState, signs: SignsOfLife, now: datetime, patience: Patience
) -> Iterator[Condition]:
    name = state.campaign_id
    causes = [*_doubts(state), *_failures(state)]
    yield from causes
    yield from _approval(state)
    for drift in drift_conditions(state):
        yield ALARM_KINDS["drift"].condition(drift.name, drift.message, campaign=name)
    if state.status.is_waiting:
        yield from _of_waiting(state, now, patience, has_own_alarm=bool(causes))
    elif signs.driven is not None and name not in signs.driven:
        last = f"engine {state.epoch}" if state.epoch else "none yet"
        message = f"{name} is {state.status} and no engine drives it; the last one was {last}"
        yield ALARM_KINDS["engine_silent"].condition(name, message, campaign=name)
    elif (now - state.progress_time).total_seconds() >= _patience_with(state, patience):
        message = f"{name} is {state.status} and nothing has happened in it since "
        message += f"{state.progress_time:%Y-%m-%d %H:%M} UTC"
        yield ALARM_KINDS["stalled"].condition(name, message, campaign=name)


def _manual_tasks(state: CampaignState, lab: LabState) -> Iterator[Condition]:
    for experiment in state.open_experiments.values():
        for job in experiment.jobs.values():
            known = lab.instruments.get(job.planned.instrument)
            if job.status is JobStatus.STARTED and known is not None and known.driver == _PERSON:
                job_id, arguments = job.planned.job_id, job.planned.arguments
                asked = arguments.get("instruction", job.planned.action)
                message = f"{job_id} of {state.campaign_id} waits for a person at "
                message += f"{job.planned.instrument}: {asked}"
                kind = ALARM_KINDS["manual_task"]
                yield kind.condition(job_id, message, campaign=state.campaign_id)


def _failures(state: CampaignState) -> Iterator[Condition]:
    name = state.campaign_id
    if state.planner_error:
        yield ALARM_KINDS["planner_failed"].condition(name, state.planner_error, campaign=name)
    if state.n_failures_in_row >= state.spec.failures.hold_after:
        message = f"{state.n_failures_in_row} experiments of {name} failed one after the other"
        yield ALARM_KINDS["failures"].condition(name, message, campaign=name)


def _approval(state: CampaignState) -> Iterator[Condition]:
    waiting = [one.candidate_id for one in waiting_for_approval(state)]
    if waiting:
        name = state.campaign_id
        message = f"{len(waiting)} candidates of {name} wait for approval, first {waiting[0]}"
        yield ALARM_KINDS["approval"].condition(name, message, campaign=name)


def _doubts(state: CampaignState) -> Iterator[Condition]:
    for experiment in state.open_experiments.values():
        for job in experiment.jobs.values():
            if job.status is JobStatus.IN_DOUBT and is_unsettled(job):
                job_id = job.planned.job_id
                message = f"nobody knows whether {job_id} of {state.campaign_id} "
                message += f"({job.instrument}) happened: {job.evidence}"
                yield ALARM_KINDS["in_doubt"].condition(job_id, message, campaign=state.campaign_id)


def _of_waiting(
    state: CampaignState, now: datetime, patience: Patience, *, has_own_alarm: bool
) -> Iterator[Condition]:
    """Yield what is to be said of a campaign that waits; one cause rings once."""
    name = state.campaign_id
    if state.is_held_by_itself and state.status is CampaignStatus.HELD:
        if not has_own_alarm:
            message = f"{name} was held: {state.status_reason}"
            message += "; it goes on by itself once there is enough" if state.lacks else ""
            yield ALARM_KINDS["held"].condition(name, message, campaign=name)
    elif (now - state.progress_time).total_seconds() >= patience.waiting_s:
        message = f"{name} is {state.status} since {state.progress_time:%Y-%m-%d %H:%M} UTC"
        yield ALARM_KINDS["waiting"].condition(name, message, campaign=name)


def _patience_with(state: CampaignState, patience: Patience) -> float:
    """Return how long nothing may happen in a campaign, in seconds."""
    running = [
        job.planned.expected_s
        for experiment in state.open_experiments.values()
        for job in experiment.jobs.values()
        if job.status is JobStatus.STARTED
    ]
    return max(patience.silent_s, _TIMES_EXPECTED * max(running, default=0.0))
