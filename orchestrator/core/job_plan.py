"""What is to be done about the jobs of a campaign's open experiments; pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Final

from orchestrator.core.bench_shop import NOTHING_COMES, Coming
from orchestrator.core.campaign import CampaignState
from orchestrator.core.claims import precedence
from orchestrator.core.cleaning import as_they_see_themselves, skipping
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.foreseen import Start
from orchestrator.core.handing_out import HandingOut
from orchestrator.core.intents import ConcludeExperiment, DeclareSpoilt
from orchestrator.core.job import JobState
from orchestrator.core.job_notes import JobPlan
from orchestrator.core.job_turns import is_concluded, must_begin_by, runnable_jobs
from orchestrator.core.lab import LabState
from orchestrator.core.others import NOBODY, Others
from orchestrator.core.run_hours import RunHours
from orchestrator.core.supply import Supply

__all__ = ["plan_jobs"]

_UNCOUNTED: Final = Supply()
_ALWAYS: Final = RunHours()


def plan_jobs(  # noqa: PLR0913 - one argument for each thing that it rests on
    state: CampaignState,
    lab: LabState,
    now: datetime,
    settling: frozenset[str],
    *,
    others: Others = NOBODY,
    supply: Supply = _UNCOUNTED,
    plan: Sequence[Start] = (),
    hours: RunHours = _ALWAYS,
    coming: Coming = NOTHING_COMES,
) -> JobPlan:
    """Return which experiments end and which jobs start.

    Args:
        state: The campaign.
        lab: The laboratory.
        now: The present time.
        settling: Ids of jobs in doubt whose instrument is being asked.
        others: Who else is on the bench.
        supply: What there is to draw from.
        plan: What was foreseen, or thought out, before.
        hours: For how long anything may be under way.
        coming: What will be made soon.
    """
    notes = JobPlan()
    without = skipping(state, lab, now, others)
    seen = as_they_see_themselves(others, state, lab, now)
    state = without.state
    ready: list[tuple[ExperimentState, JobState]] = []
    barred: list[str] = [*settling]
    everyone = sorted(state.open_experiments.values(), key=lambda experiment: experiment.number)
    for experiment in everyone:
        if is_concluded(experiment):
            notes.intents.append(ConcludeExperiment(experiment.experiment_id))
            continue
        late = _too_late(experiment, now)
        if late is not None:
            notes.intents.append(late)
            continue
        for job in runnable_jobs(experiment):
            if job.planned.job_id in settling:
                continue
            until = must_begin_by(experiment, job)
            if until is not None:
                notes.retries.append(until + timedelta(microseconds=1))
            if _lacks_stock(experiment, job, supply, now, notes):
                barred.append(job.planned.job_id)
            else:
                ready.append((experiment, job))
    if ready and not hours.left_s:
        notes.why |= {job.planned.job_id: hours.why_not(inf) for _, job in ready}
    elif ready:
        first = precedence(state, lab, now, seen)
        hands = HandingOut(state, lab, now, settling, others, first, plan, hours.left_s, coming)
        hands.hand_out(ready, barred, notes)
        notes.intents = without.completed(notes.intents)
    if ready and hours.look_time is not None:
        notes.retries.append(hours.look_time)
    return notes


def _lacks_stock(
    experiment: ExperimentState, job: JobState, supply: Supply, now: datetime, notes: JobPlan
) -> bool:
    """Tell whether a job cannot draw what it needs, and note what is missing."""
    short = supply.why_not_job(experiment.experiment_id, job, now.date())
    if short:
        notes.shortages.append(f"{job.planned.job_id} waits: {short}")
        notes.why[job.planned.job_id] = short
    return bool(short)


def _too_late(experiment: ExperimentState, now: datetime) -> DeclareSpoilt | None:
    """Return what to say of an experiment whose sample stood for too long; None if it did not."""
    for job in runnable_jobs(experiment):
        until = must_begin_by(experiment, job)
        if until is not None and now > until:
            name, max_wait_s = job.planned.name, job.planned.max_wait_s
            reason = f"{name} could not begin within {max_wait_s:g} s after the job before it"
            return DeclareSpoilt(experiment.experiment_id, name, reason)
    return None
