"""What happens next, decided purely from what has happened.

`decide` reads one campaign's state and the time and returns intents. Whoever performs them
appends facts, and asks again. The same state and time always give the same decision.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from orchestrator.core.attempts import (
    is_lost,
    is_unsettled,
    may_repeat,
    may_retry,
    retry_time,
)
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.experiment import ExperimentState, ExperimentStatus
from orchestrator.core.intents import (
    Abort,
    AskPlanner,
    ConcludeExperiment,
    Decision,
    Finish,
    Intent,
    Pause,
    RunJob,
    StartExperiment,
    Stop,
)
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.results import met_rule

__all__ = ["MAX_FAILURES_IN_ROW", "decide"]

MAX_FAILURES_IN_ROW: Final = 5
"""So many experiments failing one after the other pause the campaign."""


def decide(state: CampaignState, now: datetime, *, is_planning: bool) -> Decision:
    """Return what to do next about a campaign.

    Args:
        state: All that is known.
        now: The present time.
        is_planning: Whether a planner is at work on an earlier `AskPlanner`.
    """
    match state.status:
        case CampaignStatus.STOPPED | CampaignStatus.ABORTED | CampaignStatus.FINISHED:
            return Decision(())
        case CampaignStatus.PAUSED:
            return Decision(())
        case CampaignStatus.ABORTING:
            return Decision((Abort(state.status_reason),))
        case CampaignStatus.STOPPING:
            is_busy = any(_started_jobs(state))
            return Decision(() if is_busy else (Stop(state.status_reason),))
        case CampaignStatus.RUNNING | CampaignStatus.PAUSING:
            return _decide_running(state, now, is_planning=is_planning)


def _decide_running(state: CampaignState, now: datetime, *, is_planning: bool) -> Decision:
    intents: list[Intent] = []
    wakes: list[datetime] = []
    busy = {job.planned.instrument for job in _blocking_jobs(state)}
    held = dict(state.unclean_places)
    everyone = sorted(state.open_experiments.values(), key=lambda experiment: experiment.number)
    for experiment in everyone:
        held.update(dict.fromkeys(experiment.places_held(), experiment.experiment_id))
    for experiment in everyone:
        if _is_concluded(experiment):
            intents.append(ConcludeExperiment(experiment.experiment_id))
            continue
        for job in _runnable_jobs(experiment):
            again = retry_time(job)
            if again is not None and now < again:
                wakes.append(again)
                continue
            places = job.planned.positions
            owners = {held.get(place, experiment.experiment_id) for place in places}
            if job.planned.instrument in busy or owners - {experiment.experiment_id}:
                continue
            busy.add(job.planned.instrument)
            held.update(dict.fromkeys(places, experiment.experiment_id))
            intents.append(RunJob(experiment.experiment_id, job.planned.name))
    ending, starting = _decide_starts(state, now, is_planning=is_planning)
    intents.extend(starting)
    is_idle = not intents and not wakes and not is_planning and not any(_started_jobs(state))
    if is_idle:
        intents.append(_decide_idle(state, ending))
    return Decision(tuple(intents), min(wakes, default=None))


def _decide_starts(
    state: CampaignState, now: datetime, *, is_planning: bool
) -> tuple[Finish | None, list[Intent]]:
    rule = met_rule(state, now)
    if rule is not None:
        return Finish(*rule), []
    may_start = (
        state.status is CampaignStatus.RUNNING
        and not state.planner_error
        and not state.silent_instrument
        and state.n_failures_in_row < MAX_FAILURES_IN_ROW
    )
    running = [
        experiment
        for experiment in state.open_experiments.values()
        if experiment.status is ExperimentStatus.RUNNING
    ]
    recipe = state.spec.recipe
    in_flight = recipe.in_flight if recipe is not None else 1
    if not may_start or len(running) >= in_flight:
        return None, []
    if state.queue:
        return None, [StartExperiment()]
    if is_planning:
        return None, []
    n = state.spec.planner.batch
    limit = state.spec.stopping.max_experiments
    if limit is not None:
        n = min(n, limit - state.n_started)
    return None, [AskPlanner(n)]


def _decide_idle(state: CampaignState, ending: Finish | None) -> Intent:
    """Return the one intent left when nothing runs and nothing can start."""
    in_doubt = [
        f"{job.planned.job_id} on {job.planned.instrument}"
        for experiment in state.open_experiments.values()
        for job in experiment.jobs.values()
        if job.status is JobStatus.IN_DOUBT
    ]
    if in_doubt:
        return Pause(f"in doubt: {', '.join(in_doubt)}")
    if state.open_experiments:
        names = ", ".join(state.open_experiments)
        unclean = ", ".join(f"{place} (by {who})" for place, who in state.unclean_places.items())
        return Pause(f"stalled: {names} cannot go on; left unclean: {unclean or 'nothing'}")
    if ending is not None:
        return ending
    if state.silent_instrument:
        return Pause(state.silent_instrument)
    if state.planner_error:
        return Pause(f"the planner failed: {state.planner_error}")
    if state.n_failures_in_row >= MAX_FAILURES_IN_ROW:
        return Pause(f"{state.n_failures_in_row} experiments in a row failed")
    return Pause("" if state.status is CampaignStatus.PAUSING else "nothing can start")


def _started_jobs(state: CampaignState) -> Iterator[JobState]:
    for experiment in state.open_experiments.values():
        for job in experiment.jobs.values():
            if job.status is JobStatus.STARTED:
                yield job


def _blocking_jobs(state: CampaignState) -> Iterator[JobState]:
    """Yield the jobs whose instrument must not be given another one."""
    for experiment in state.open_experiments.values():
        yield from [job for job in experiment.jobs.values() if is_unsettled(job)]


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
