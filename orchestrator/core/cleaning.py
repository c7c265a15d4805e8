"""Which cleaning jobs are not necessary, as far as a campaign's next decision goes; pure.

A cleaning is skipped only together with the start of a job that uses the place: what was there last
is judged at that moment, and the same record in the log takes the place. Until then the cleaning
is only thought away.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestrator.core.campaign import CampaignState
from orchestrator.core.contamination import Verdict, verdict_on
from orchestrator.core.events import JobSkipped
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.intents import Intent, RunJob
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.job_turns import is_given_up, runnable_jobs
from orchestrator.core.lab import LabState
from orchestrator.core.occupancy import Occupancy, stays_of
from orchestrator.core.others import Others
from orchestrator.core.place_records import fractions_of

__all__ = ["Skipping", "as_they_see_themselves", "skipping"]


@dataclass(frozen=True, slots=True)
class Skipping:
    """A campaign without the cleanings that are not necessary now."""

    state: CampaignState
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why a cleaning is not necessary, by the job's id."""

    def completed(self, intents: Iterable[Intent]) -> list[Intent]:
        """Return intents with what is skipped for each job that begins.

        Args:
            intents: Decided for `state`.
        """
        return [self._with_skips(one) if isinstance(one, RunJob) else one for one in intents]

    def _with_skips(self, intent: RunJob) -> RunJob:
        experiment = self.state.open_experiments[intent.experiment_id]
        skips: dict[str, str] = {}
        pending = [*experiment.jobs[intent.job_name].planned.after]
        while pending:
            job = experiment.jobs.get(pending.pop())
            if job is not None and job.planned.job_id in self.reasons:
                skips[job.planned.name] = self.reasons[job.planned.job_id]
                pending.extend(job.planned.after)
        in_order = {name: skips[name] for name in experiment.jobs if name in skips}
        companions = tuple(self._with_skips(one) for one in intent.companions)
        return replace(intent, skips=in_order, companions=companions)


def skipping(state: CampaignState, lab: LabState, now: datetime, others: Others) -> Skipping:
    """Return a campaign without the cleanings that are not necessary now.

    Args:
        state: The campaign.
        lab: The laboratory.
        now: The present time.
        others: Who else is on the bench.
    """
    places = _Places(state, lab, others)
    changed: dict[str, ExperimentState] = {}
    reasons: dict[str, str] = {}
    for experiment in state.open_experiments.values():
        if is_given_up(experiment) or not any(job.planned.cleans for job in _queued(experiment)):
            continue
        after = experiment
        while skipped := _next_skipped(after, places):
            after = _thought_away(after, skipped, now)
            reasons[skipped.job_id] = skipped.reason
        if after is not experiment:
            changed[experiment.experiment_id] = after
    if not changed:
        return Skipping(state)
    thought = replace(state, open_experiments={**state.open_experiments, **changed})
    return Skipping(thought, reasons)


def as_they_see_themselves(
    others: Others, own: CampaignState, lab: LabState, now: datetime
) -> Others:
    """Return other campaigns without the cleanings that are not necessary to them.

    Args:
        others: As the log has them.
        own: The campaign whose others they are, as the log has it.
        lab: The laboratory.
        now: The present time.
    """
    everyone = (own, *others.states)
    seen = [
        skipping(one, lab, now, replace(others, states=tuple(x for x in everyone if x is not one)))
        for one in others.states
    ]
    return replace(others, states=tuple(one.state for one in seen))


def _thought_away(
    experiment: ExperimentState, skipped: JobSkipped, now: datetime
) -> ExperimentState:
    """Return an experiment without a cleaning, which has not ended: no sample waits since then."""
    after = experiment.after(skipped, now)
    name = skipped.job_id.partition("/")[2]
    job = replace(after.jobs[name], ended_time=None)
    return replace(after, jobs={**after.jobs, name: job})


def _queued(experiment: ExperimentState) -> list[JobState]:
    return [job for job in experiment.jobs.values() if job.status is JobStatus.QUEUED]


def _next_skipped(experiment: ExperimentState, places: "_Places") -> JobSkipped | None:
    """Return how a cleaning is skipped whose turn it is; None if each is necessary."""
    for job in runnable_jobs(experiment):
        planned = job.planned
        if not planned.cleans or job.status is not JobStatus.QUEUED:
            continue
        verdict = _of_its_kind(experiment, job) or places.verdict(experiment, planned.cleans)
        if not verdict.is_needed and _is_followed(experiment, job):
            return JobSkipped(job_id=planned.job_id, reason=verdict.reason, spares=planned.draws)
    return None


def _of_its_kind(experiment: ExperimentState, job: JobState) -> Verdict | None:
    """Judge a job as the others that clean the same place: all of them are done, or none."""
    for other in experiment.jobs.values():
        if other.planned.cleans != job.planned.cleans or other.status is JobStatus.QUEUED:
            continue
        is_skipped = other.status is JobStatus.SKIPPED
        return Verdict(not is_skipped, other.evidence)
    return None


def _is_followed(experiment: ExperimentState, job: JobState) -> bool:
    """Tell whether the place is taken by whatever comes right after a cleaning."""
    next_jobs = [
        other for other in experiment.jobs.values() if job.planned.name in other.planned.after
    ]
    return bool(next_jobs) and all(
        job.planned.cleans in other.planned.positions for other in next_jobs
    )


class _Places:
    """What was at places before, as far as it is known."""

    def __init__(self, state: CampaignState, lab: LabState, others: Others) -> None:
        self._state = state
        self._lab = lab
        self._others = others
        own = [
            stay
            for one in state.open_experiments.values()
            for stay in stays_of(one, one.experiment_id)
        ]
        self._room = Occupancy(state.slots, [*others.stays(), *own], lab.unclean)

    def verdict(self, experiment: ExperimentState, place: str) -> Verdict:
        """Judge a place for a sample; nobody can while another one stands there.

        Args:
            experiment: Whose sample comes.
            place: Which.
        """
        in_the_way = self._room.why_not((place,), experiment.experiment_id)
        if in_the_way:
            return Verdict(True, f"{', '.join(in_the_way)} is at {place}")
        state = self._state
        own = [state.places[place]] if place in state.places else []
        return verdict_on(
            place,
            fractions_of(experiment.candidate.point, state.spec.space.components),
            [*own, *self._others.records_at(place)],
            state.contamination,
            cleaned_time=self._cleaned_time(place),
            since=state.opened_time,
        )

    def _cleaned_time(self, place: str) -> datetime | None:
        """Return when a person cleaned a place of this bench; another one may call one the same."""
        cleaned = self._lab.cleaned.get(place)
        if cleaned is None:
            return None
        ours = {self._state.campaign_id, *self._others.past}
        ours.update(state.campaign_id for state in self._others.states)
        return cleaned.time if cleaned.left_by.partition("/")[0] in ours else None
