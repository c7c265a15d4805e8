"""What happens next, decided purely from what has happened.

`decide` reads one campaign's state, the laboratory's and the time and returns intents. Whoever
performs them appends facts, and asks again. The same state and time give the same decision.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from orchestrator.core.approvals import waiting_for_approval, why_wait_for_approval
from orchestrator.core.asking_ahead import n_to_ask, seats_of
from orchestrator.core.attempts import (
    has_waited_enough,
    is_lost,
    is_unsettled,
    may_repeat,
    may_retry,
    needs_person,
    retry_time,
)
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.equals import instrument_for
from orchestrator.core.experiment import ExperimentState, ExperimentStatus
from orchestrator.core.intents import (
    Abort,
    AskPlanner,
    ConcludeExperiment,
    Decision,
    Finish,
    Hold,
    Intent,
    Pause,
    RunJob,
    StartExperiment,
    StartReference,
    Stop,
)
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.lab import InstrumentStatus, LabState
from orchestrator.core.references import is_reference_due, reference_candidate
from orchestrator.core.results import met_rule
from orchestrator.core.starts import why_not_start, why_unusable_at

__all__ = ["PATIENCE_S", "decide"]

PATIENCE_S: Final = 600.0
"""How long an instrument that does not answer is waited for, in seconds; then a person is asked."""


def decide(
    state: CampaignState,
    lab: LabState,
    now: datetime,
    *,
    is_planning: bool,
    planning_s: float = 0.0,
    settling: frozenset[str] = frozenset(),
    taken: Mapping[str, str] = MappingProxyType({}),
) -> Decision:
    """Return what to do next about a campaign.

    Args:
        state: All that is known of it.
        lab: All that is known of the laboratory.
        now: The present time.
        is_planning: Whether a planner is at work on an earlier `AskPlanner`.
        planning_s: How long a proposal takes; next to nothing by default.
        settling: Ids of jobs in doubt whose instrument is being asked; nobody can say yet.
        taken: Places that samples of other campaigns occupy, with whose they are.
    """
    match state.status:
        case CampaignStatus.STOPPED | CampaignStatus.ABORTED | CampaignStatus.FINISHED:
            return Decision(())
        case CampaignStatus.PAUSED | CampaignStatus.HELD:
            return Decision(())
        case CampaignStatus.ABORTING:
            return Decision((Abort(state.status_reason),))
        case CampaignStatus.STOPPING:
            is_busy = any(_started_jobs(state))
            return Decision(() if is_busy else (Stop(state.status_reason),))
        case CampaignStatus.HOLDING:
            is_busy = any(_started_jobs(state)) or bool(settling)
            return Decision(() if is_busy else (Hold(state.status_reason),))
        case CampaignStatus.RUNNING | CampaignStatus.PAUSING:
            return _decide_running(
                state,
                lab,
                now,
                is_planning=is_planning,
                planning_s=planning_s,
                settling=settling,
                taken=taken,
            )


def _decide_running(
    state: CampaignState,
    lab: LabState,
    now: datetime,
    *,
    is_planning: bool,
    planning_s: float,
    settling: frozenset[str],
    taken: Mapping[str, str],
) -> Decision:
    untouched = _left_for_person(state)
    if untouched:
        is_busy = any(_started_jobs(state)) or bool(settling)
        return Decision(() if is_busy else (Hold(untouched),))
    intents: list[Intent] = []
    jobs = _decide_jobs(state, lab, now, settling, taken)
    intents.extend(jobs.intents)
    ending, starting, look_time = _decide_starts(
        state, lab, now, is_planning=is_planning, planning_s=planning_s
    )
    intents.extend(starting)
    is_quiet = not intents and not is_planning and not settling and not any(_started_jobs(state))
    if is_quiet and not jobs.retries:
        if jobs.waits and now < max(jobs.waits):
            return Decision((), max(jobs.waits))
        if jobs.is_crowded_out and not jobs.reasons and not _has_doubts(state):
            return Decision(())
        idle = _decide_idle(state, lab, ending, jobs.reasons)
        if idle is None:
            return Decision((), waits_for_person=_what_waits_for_approval(state))
        intents.append(idle)
    wakes = [*jobs.retries, *jobs.waits, *([look_time] if look_time is not None else [])]
    return Decision(tuple(intents), min(wakes, default=None))


@dataclass(slots=True)
class _JobPlan:
    """What is to be done about the jobs of open experiments."""

    intents: list[Intent] = field(default_factory=list)
    retries: list[datetime] = field(default_factory=list)
    """When jobs are tried again that deserve no person's attention yet."""
    waits: list[datetime] = field(default_factory=list)
    """Until when an instrument is waited for that does not answer."""
    reasons: list[str] = field(default_factory=list)
    """Why jobs cannot run."""
    is_crowded_out: bool = False
    """Whether a job waits for a place that another campaign's sample occupies."""


def _decide_jobs(
    state: CampaignState,
    lab: LabState,
    now: datetime,
    settling: frozenset[str],
    taken: Mapping[str, str],
) -> _JobPlan:
    plan = _JobPlan()
    busy = {job.instrument for job in _blocking_jobs(state, settling)}
    held = {**taken, **lab.unclean}
    everyone = sorted(state.open_experiments.values(), key=lambda experiment: experiment.number)
    for experiment in everyone:
        held.update(dict.fromkeys(experiment.places_held(), experiment.experiment_id))
    for experiment in everyone:
        if _is_concluded(experiment):
            plan.intents.append(ConcludeExperiment(experiment.experiment_id))
            continue
        for job in _runnable_jobs(experiment):
            instrument = instrument_for(state, lab, experiment, job, busy)
            if job.planned.job_id in settling:
                continue
            if _has_to_wait(plan, state, lab, job, instrument, now):
                continue
            places, owner = job.planned.positions, experiment.experiment_id
            strangers = {held.get(place, owner) for place in places} - {owner}
            plan.is_crowded_out |= not strangers.isdisjoint(taken.values())
            if instrument in busy or strangers:
                continue
            busy.add(instrument)
            held.update(dict.fromkeys(places, owner))
            other = instrument if instrument != job.planned.instrument else ""
            plan.intents.append(RunJob(owner, job.planned.name, other))
    return plan


def _has_to_wait(
    plan: _JobPlan,
    state: CampaignState,
    lab: LabState,
    job: JobState,
    instrument: str,
    now: datetime,
) -> bool:
    """Tell whether a job must wait for its instrument or its next attempt, and note for what."""
    reason = lab.why_unusable(instrument)
    if reason:
        plan.reasons.append(f"{job.planned.job_id} waits: {reason}")
        plan.waits.extend(_patience_end(lab, instrument))
        return True
    again = retry_time(job)
    if again is None or now >= again:
        return False
    failed_after_resume = job.ended_time is not None and job.ended_time > state.resumed_time
    if has_waited_enough(job) and failed_after_resume:
        plan.reasons.append(f"{job.planned.job_id} waits: {job.error}: {job.evidence}")
    else:
        plan.retries.append(again)
    return True


def _patience_end(lab: LabState, instrument: str) -> list[datetime]:
    """Return until when to wait for an instrument that is gone; nothing if a person must act."""
    known = lab.instruments.get(instrument)
    if lab.latch or known is None or known.status is not InstrumentStatus.LOST:
        return []
    return [known.since + timedelta(seconds=PATIENCE_S)]


def _decide_starts(
    state: CampaignState, lab: LabState, now: datetime, *, is_planning: bool, planning_s: float
) -> tuple[Finish | None, list[Intent], datetime | None]:
    """Return how the campaign ends, what starts, and when to look again for what to ask."""
    rule = met_rule(state, now)
    if rule is not None:
        return Finish(*rule), [], None
    may_start = (
        state.status is CampaignStatus.RUNNING
        and not state.planner_error
        and not state.silent_instrument
        and state.n_failures_in_row < state.spec.failures.hold_after
    )
    running = [
        experiment
        for experiment in state.open_experiments.values()
        if experiment.status is ExperimentStatus.RUNNING
    ]
    if not may_start:
        return None, [], None
    seats = seats_of(state, running, now, planning_s)
    if is_reference_due(state):
        is_usable = seats.n_free and not why_unusable_at(
            state, lab, reference_candidate(state).point
        )
        return None, [StartReference()] if is_usable else [], None
    if state.queue:
        approved = [one for one in state.queue if not why_wait_for_approval(state, one)]
        ready = [one for one in approved if not why_not_start(state, lab, one)]
        is_ready = seats.n_free and ready
        return None, [StartExperiment(ready[0].candidate_id)] if is_ready else [], None
    if is_planning or lab.latch:
        return None, [], None
    if not seats.n_wanted:
        return None, [], seats.look_time
    return None, [AskPlanner(n_to_ask(state, seats))], None


def _decide_idle(
    state: CampaignState, lab: LabState, ending: Finish | None, reasons: list[str]
) -> Intent | None:
    """Return the one intent left when nothing runs and nothing can start.

    None if a person has candidates to approve: then the campaign waits, and is not held.
    """
    in_doubt = [
        f"{job.planned.job_id} on {job.instrument}"
        for experiment in state.open_experiments.values()
        for job in experiment.jobs.values()
        if job.status is JobStatus.IN_DOUBT
    ]
    if in_doubt:
        return Hold(f"in doubt: {', '.join(in_doubt)}")
    if reasons:
        return Hold("; ".join(reasons))
    if state.open_experiments:
        names = ", ".join(state.open_experiments)
        unclean = ", ".join(f"{place} (by {who})" for place, who in lab.unclean.items())
        return Hold(f"stalled: {names} cannot go on; left unclean: {unclean or 'nothing'}")
    if ending is not None:
        return ending
    if state.status is CampaignStatus.PAUSING:
        return Pause()
    if _is_approval_all_it_needs(state, lab):
        return None
    return Hold(_why_nothing_starts(state, lab))


def _is_approval_all_it_needs(state: CampaignState, lab: LabState) -> bool:
    """Tell whether a person's approval, and nothing else, would let the next experiment start."""
    is_stuck = (
        state.silent_instrument
        or state.planner_error
        or state.n_failures_in_row >= state.spec.failures.hold_after
        or is_reference_due(state)
    )
    waiting = waiting_for_approval(state)
    points = [one.candidate.point for one in waiting]
    return not is_stuck and any(not why_unusable_at(state, lab, point) for point in points)


def _what_waits_for_approval(state: CampaignState) -> str:
    waiting = waiting_for_approval(state)
    names = ", ".join(one.candidate_id for one in waiting)
    return f"{names} wait for approval: {why_wait_for_approval(state, waiting[0])}"


def _left_for_person(state: CampaignState) -> str:
    """Say which jobs failed that a person must look at before anything else is done."""
    jobs = [job for one in state.open_experiments.values() for job in one.jobs.values()]
    failed = [job for job in jobs if needs_person(job, state.resumed_time)]
    return "; ".join(f"{job.planned.job_id}: {job.error}: {job.evidence}" for job in failed)


def _why_nothing_starts(state: CampaignState, lab: LabState) -> str:
    if state.silent_instrument:
        return state.silent_instrument
    if state.planner_error:
        return f"the planner failed: {state.planner_error}"
    if state.n_failures_in_row >= state.spec.failures.hold_after:
        return f"{state.n_failures_in_row} experiments in a row failed"
    if is_reference_due(state):
        reason = why_unusable_at(state, lab, reference_candidate(state).point)
        return f"a reference sample is due and cannot start: {reason}"
    if state.queue:
        first = state.queue[0]
        return f"{first.candidate_id} cannot start: {why_not_start(state, lab, first)}"
    return f"the stop latch is set: {lab.latch}" if lab.latch else "nothing can start"


def _has_doubts(state: CampaignState) -> bool:
    return any(one.status is ExperimentStatus.IN_DOUBT for one in state.open_experiments.values())


def _started_jobs(state: CampaignState) -> Iterator[JobState]:
    for experiment in state.open_experiments.values():
        for job in experiment.jobs.values():
            if job.status is JobStatus.STARTED:
                yield job


def _blocking_jobs(state: CampaignState, settling: frozenset[str]) -> Iterator[JobState]:
    """Yield the jobs whose instrument must not be given another one."""
    for experiment in state.open_experiments.values():
        for job in experiment.jobs.values():
            if is_unsettled(job) or job.planned.job_id in settling:
                yield job


def _runnable_jobs(experiment: ExperimentState) -> Iterator[JobState]:
    """Yield the jobs whose turn it is, whatever their instrument and places do."""
    jobs = experiment.jobs
    if any(is_lost(job) for job in jobs.values()):
        if not any(is_unsettled(job) for job in jobs.values()):
            yield from [job for job in _cleanup_jobs(experiment) if not _is_done(job)][:1]
        return
    for job in jobs.values():
        is_due = job.status is JobStatus.QUEUED or may_retry(job) or may_repeat(job)
        before = [jobs[name] for name in job.planned.after if name in jobs]
        if is_due and all(_is_done(other) for other in before):
            yield job


def _is_concluded(experiment: ExperimentState) -> bool:
    """Tell whether no job is left to run."""
    jobs = experiment.jobs.values()
    if any(is_unsettled(job) for job in jobs):
        return False
    if not any(is_lost(job) for job in jobs):
        return all(_is_done(job) for job in jobs)
    cleanup = _cleanup_jobs(experiment)
    return any(is_lost(job) for job in cleanup) or all(_is_done(job) for job in cleanup)


def _cleanup_jobs(experiment: ExperimentState) -> list[JobState]:
    """Return what must still run after a job was lost; nothing if no matter was touched."""
    if not any(job.has_touched for job in experiment.jobs.values()):
        return []
    return [job for job in experiment.jobs.values() if job.planned.is_cleanup]


def _is_done(job: JobState) -> bool:
    return job.status is JobStatus.DONE
