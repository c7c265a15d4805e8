"""What happens next, decided purely from what has happened.

`decide` reads one campaign's state, the laboratory's and the time and returns intents. Whoever
performs them appends facts, and asks again. The same state and time give the same decision.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from orchestrator.core.approvals import waiting_for_approval, why_wait_for_approval
from orchestrator.core.asking_ahead import n_to_ask, seats_of
from orchestrator.core.attempts import needs_person
from orchestrator.core.bench_shop import Coming
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.experiment import ExperimentStatus
from orchestrator.core.foreseen import Start
from orchestrator.core.intents import (
    Abort,
    AskPlanner,
    Decision,
    Finish,
    GoOn,
    Hold,
    Intent,
    Pause,
    StartExperiment,
    StartReference,
    Stop,
)
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.job_notes import JobPlan
from orchestrator.core.job_plan import plan_jobs
from orchestrator.core.lab import LabState
from orchestrator.core.others import NOBODY, Others
from orchestrator.core.references import is_reference_due, reference_candidate
from orchestrator.core.results import met_rule
from orchestrator.core.run_hours import RunHours, run_hours, start_hours
from orchestrator.core.starts import why_not_start, why_unusable_at
from orchestrator.core.supply import Supply

__all__ = ["decide"]

_UNCOUNTED: Final = Supply()
_UNKNOWN: Final[Mapping[str, float]] = {}


def decide(  # noqa: PLR0913 - one argument for each thing that it rests on
    state: CampaignState,
    lab: LabState,
    now: datetime,
    *,
    is_planning: bool,
    planning_s: float = 0.0,
    settling: frozenset[str] = frozenset(),
    others: Others = NOBODY,
    supply: Supply = _UNCOUNTED,
    plan: Sequence[Start] = (),
    lasts_s: Mapping[str, float] = _UNKNOWN,
) -> Decision:
    """Return what to do next about a campaign.

    Args:
        state: All that is known of it.
        lab: All that is known of the laboratory.
        now: The present time.
        is_planning: Whether a planner is at work on an earlier `AskPlanner`.
        planning_s: How long a proposal takes; next to nothing by default.
        settling: Ids of jobs in doubt whose instrument is being asked; nobody can say yet.
        others: Who else is on the bench.
        supply: What there is to make samples of.
        plan: How the jobs were expected to go before, or thought out to go.
        lasts_s: How long candidates of the queue take at least, in seconds, by id; ``reference`` is
            a reference sample. Only run windows ask.
    """
    hours = run_hours(state.spec.run_windows, now)
    seen = _Seen(lab, now, is_planning, planning_s, settling, others, supply, plan, lasts_s, hours)
    match state.status:
        case CampaignStatus.STOPPED | CampaignStatus.ABORTED | CampaignStatus.FINISHED:
            return Decision(())
        case CampaignStatus.HELD if state.lacks:
            held = replace(state, status=CampaignStatus.RUNNING)
            tried = _decide_running(held, replace(seen, planning_s=0.0))
            can_go_on = any(not isinstance(one, Hold) for one in tried.intents)
            return Decision((GoOn("there is enough of everything again"),) if can_go_on else ())
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
            return _decide_running(state, seen)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is known besides the campaign; see `decide`."""

    lab: LabState
    now: datetime
    is_planning: bool
    planning_s: float
    settling: frozenset[str]
    others: Others
    supply: Supply
    plan: Sequence[Start]
    lasts_s: Mapping[str, float]
    hours: RunHours


@dataclass(frozen=True, slots=True)
class _Starts:
    """Which experiments begin, or why none does."""

    intents: tuple[Intent, ...] = ()
    ending: Finish | None = None
    """How the campaign ends once nothing is open."""
    look_time: datetime | None = None
    """When to look again for what to ask."""
    waits_for_hours: bool = False
    """Whether something could begin but for the run windows."""
    n_coming: int = 0
    """How many will begin soon, these included."""


def _decide_running(state: CampaignState, seen: _Seen) -> Decision:
    lab, now, settling = seen.lab, seen.now, seen.settling
    untouched = _left_for_person(state)
    if untouched:
        is_busy = any(_started_jobs(state)) or bool(settling)
        return Decision(() if is_busy else (Hold(untouched),))
    starts, supply = _decide_starts(state, seen), seen.supply
    jobs = plan_jobs(
        state,
        lab,
        now,
        settling,
        others=seen.others,
        supply=supply,
        plan=seen.plan,
        hours=seen.hours,
        coming=Coming(starts.n_coming, seen.planning_s),
    )
    intents: list[Intent] = [*jobs.intents, *starts.intents]
    is_quiet = not (intents or seen.is_planning or settling or any(_started_jobs(state)))
    decision = Decision((), why=jobs.why, forecast=jobs.forecast, shop=jobs.shop)
    if is_quiet and starts.waits_for_hours and not (jobs.reasons or jobs.shortages):
        return replace(decision, wake_time=start_hours(state, seen.hours, now).look_time)
    if is_quiet and not jobs.retries:
        if jobs.waits and now < max(jobs.waits):
            return replace(decision, wake_time=max(jobs.waits))
        if jobs.is_crowded_out and not jobs.reasons and not _has_doubts(state):
            return decision
        idle = _decide_idle(state, lab, now, starts.ending, jobs, supply)
        if idle is None:
            return Decision((), waits_for_person=_what_waits_for_approval(state))
        intents.append(idle)
    wakes = [*jobs.retries, *jobs.waits]
    wakes += [one for one in (starts.look_time, seen.hours.look_time) if one is not None]
    return replace(decision, intents=tuple(intents), wake_time=min(wakes, default=None))


def _decide_starts(state: CampaignState, seen: _Seen) -> _Starts:
    """Return how the campaign ends, what starts, and when to look again for what to ask."""
    lab, now, supply = seen.lab, seen.now, seen.supply
    hours = start_hours(state, seen.hours, now)
    rule = met_rule(state, now)
    if rule is not None:
        return _Starts(ending=Finish(*rule))
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
        return _Starts()
    if not seen.hours.left_s:
        return _Starts(waits_for_hours=True)
    seats = seats_of(state, running, now, seen.planning_s)
    if is_reference_due(state):
        is_usable = seats.n_free and not why_unusable_at(
            state, lab, reference_candidate(state).point
        )
        is_usable = is_usable and not supply.why_no_reference(now.date())
        is_late = bool(hours.why_not(seen.lasts_s.get("reference", 0.0)))
        intents = (StartReference(),) if is_usable and not is_late else ()
        return _Starts(intents, waits_for_hours=bool(is_usable and is_late))
    if state.queue:
        approved = [one for one in state.queue if not why_wait_for_approval(state, one)]
        ready = [one for one in approved if not why_not_start(state, lab, one)]
        ready = [one for one in ready if not supply.why_not(one.candidate_id, now.date())]
        names = [one.candidate_id for one in ready if seats.n_free]
        in_time = [name for name in names if not hours.why_not(seen.lasts_s.get(name, 0.0))]
        starting = tuple(StartExperiment(name) for name in in_time[:1])
        n_coming = _n_left(state, seats.n_free) if starting else 0
        return _Starts(starting, waits_for_hours=bool(names and not in_time), n_coming=n_coming)
    if lab.latch:
        return _Starts()
    is_asking = bool(seats.n_wanted) and not seen.is_planning
    return _Starts(
        (AskPlanner(n_to_ask(state, seats)),) if is_asking else (),
        look_time=None if is_asking or seen.is_planning else seats.look_time,
        n_coming=_n_left(state, seats.n_free),
    )


def _n_left(state: CampaignState, n_free: int) -> int:
    """Return how many experiments can begin in so many free seats."""
    limit = state.spec.stopping.max_experiments
    return n_free if limit is None else max(0, min(n_free, limit - state.n_searched))


def _decide_idle(
    state: CampaignState,
    lab: LabState,
    now: datetime,
    ending: Finish | None,
    jobs: JobPlan,
    supply: Supply,
) -> Intent | None:
    """Return the one intent left when nothing runs and nothing can start.

    None if a person has candidates to approve: then the campaign waits, and is not held.

    Args:
        state: The campaign.
        lab: The laboratory.
        now: The present time.
        ending: How the campaign ends once nothing is open.
        jobs: Why the jobs of open experiments wait.
        supply: What there is to make samples of.
    """
    in_doubt = [
        f"{job.planned.job_id} on {job.instrument}"
        for experiment in state.open_experiments.values()
        for job in experiment.jobs.values()
        if job.status is JobStatus.IN_DOUBT
    ]
    if in_doubt:
        return Hold(f"in doubt: {', '.join(in_doubt)}")
    if jobs.reasons or jobs.shortages:
        reasons = "; ".join([*jobs.reasons, *jobs.shortages])
        is_all = not jobs.reasons and state.status is CampaignStatus.RUNNING
        return Hold(reasons, lacks="stock" if is_all else "")
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
    short = _short_of(state, lab, now, supply)
    if short:
        return Hold(short, lacks="stock")
    return Hold(_why_nothing_starts(state, lab, now, supply))


def _short_of(state: CampaignState, lab: LabState, now: datetime, supply: Supply) -> str:
    """Say what the next experiment lacks if it is nothing but stock; empty if it is not."""
    if _is_stuck(state):
        return ""
    if is_reference_due(state):
        reason = why_unusable_at(state, lab, reference_candidate(state).point)
        short = supply.why_no_reference(now.date())
        return (
            f"a reference sample is due and cannot start: {short}" if short and not reason else ""
        )
    return supply.short_of(state, lab, now.date())


def _is_stuck(state: CampaignState) -> bool:
    """Tell whether something keeps a campaign from starting anything at all."""
    return bool(
        state.silent_instrument
        or state.planner_error
        or state.n_failures_in_row >= state.spec.failures.hold_after
    )


def _is_approval_all_it_needs(state: CampaignState, lab: LabState) -> bool:
    """Tell whether a person's approval, and nothing else, would let the next experiment start."""
    is_stuck = _is_stuck(state) or is_reference_due(state)
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


def _why_nothing_starts(state: CampaignState, lab: LabState, now: datetime, supply: Supply) -> str:
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
        reason = why_not_start(state, lab, first)
        reason = reason or supply.why_not(first.candidate_id, now.date())
        return f"{first.candidate_id} cannot start: {reason}"
    return f"the stop latch is set: {lab.latch}" if lab.latch else "nothing can start"


def _has_doubts(state: CampaignState) -> bool:
    return any(one.status is ExperimentStatus.IN_DOUBT for one in state.open_experiments.values())


def _started_jobs(state: CampaignState) -> Iterator[JobState]:
    for experiment in state.open_experiments.values():
        for job in experiment.jobs.values():
            if job.status is JobStatus.STARTED:
                yield job
