"""One experiment's life: a candidate's trip over the bench, job by job."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from orchestrator.core.events import (
    AnalysisFinished,
    CorrectionEvent,
    DoubtAnswered,
    ExperimentEvent,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    JobEvent,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobSkipped,
    JobStarted,
    ObservationAmended,
    ObservationGiven,
    ObservationRecorded,
    ObservationRetracted,
    SampleSpoilt,
)
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.point import Candidate
from orchestrator.errors import IllegalTransition

__all__ = [
    "EXPERIMENT_TRANSITIONS",
    "ExperimentState",
    "ExperimentStatus",
    "experiment_id_of",
]


class ExperimentStatus(StrEnum):
    """Where an experiment stands. Exactly one holds at a time."""

    RUNNING = "running"
    IN_DOUBT = "in_doubt"
    DONE = "done"
    FAILED = "failed"


EXPERIMENT_TRANSITIONS: Final[
    dict[tuple[ExperimentStatus, type[ExperimentEvent]], ExperimentStatus]
] = {
    (ExperimentStatus.RUNNING, JobStarted): ExperimentStatus.RUNNING,
    (ExperimentStatus.RUNNING, JobSkipped): ExperimentStatus.RUNNING,
    (ExperimentStatus.RUNNING, JobFinished): ExperimentStatus.RUNNING,
    (ExperimentStatus.RUNNING, JobFailed): ExperimentStatus.RUNNING,
    (ExperimentStatus.RUNNING, JobInterrupted): ExperimentStatus.RUNNING,
    (ExperimentStatus.RUNNING, JobOutcomeUnknown): ExperimentStatus.IN_DOUBT,
    (ExperimentStatus.RUNNING, SampleSpoilt): ExperimentStatus.RUNNING,
    (ExperimentStatus.RUNNING, AnalysisFinished): ExperimentStatus.RUNNING,
    (ExperimentStatus.RUNNING, ObservationRecorded): ExperimentStatus.RUNNING,
    (ExperimentStatus.RUNNING, ExperimentFinished): ExperimentStatus.DONE,
    (ExperimentStatus.RUNNING, ExperimentFailed): ExperimentStatus.FAILED,
    (ExperimentStatus.IN_DOUBT, JobStarted): ExperimentStatus.RUNNING,
    (ExperimentStatus.IN_DOUBT, JobSkipped): ExperimentStatus.RUNNING,
    (ExperimentStatus.IN_DOUBT, JobFinished): ExperimentStatus.RUNNING,
    (ExperimentStatus.IN_DOUBT, JobFailed): ExperimentStatus.RUNNING,
    (ExperimentStatus.IN_DOUBT, JobInterrupted): ExperimentStatus.RUNNING,
    (ExperimentStatus.IN_DOUBT, JobOutcomeUnknown): ExperimentStatus.IN_DOUBT,
    (ExperimentStatus.IN_DOUBT, DoubtAnswered): ExperimentStatus.IN_DOUBT,
    (ExperimentStatus.IN_DOUBT, SampleSpoilt): ExperimentStatus.IN_DOUBT,
    (ExperimentStatus.IN_DOUBT, ExperimentFailed): ExperimentStatus.FAILED,
    (ExperimentStatus.DONE, ObservationAmended): ExperimentStatus.DONE,
    (ExperimentStatus.DONE, ObservationRetracted): ExperimentStatus.DONE,
    (ExperimentStatus.FAILED, ObservationGiven): ExperimentStatus.FAILED,
    (ExperimentStatus.FAILED, ObservationAmended): ExperimentStatus.FAILED,
    (ExperimentStatus.FAILED, ObservationRetracted): ExperimentStatus.FAILED,
}
"""The whole life of an experiment; while one of its jobs is in doubt, so is the experiment."""


def experiment_id_of(job_id: str) -> str:
    """Return the experiment that a job belongs to.

    Example:
        >>> experiment_id_of("E0007/dispense_x1")
        'E0007'
    """
    return job_id.partition("/")[0]


@dataclass(frozen=True, slots=True)
class ExperimentState:
    """What is known of one experiment after some of its events."""

    experiment_id: str
    number: int
    candidate: Candidate
    jobs: Mapping[str, JobState]
    """By the job's name, in the recipe's order."""
    started_time: datetime
    cost_usd: float
    purpose: str = "search"
    """``search``, or ``reference`` for a sample that only shows whether the bench drifts."""
    added_by: str = ""
    """Whose own point it is; empty for one that a planner proposed."""
    status: ExperimentStatus = ExperimentStatus.RUNNING
    analyses: tuple[AnalysisFinished, ...] = field(default=())
    observed: ObservationRecorded | None = None
    """As a person gave or amended it, if one did."""
    is_retracted: bool = False
    """Whether a person took its observation back."""
    correction: str = ""
    """Why its observation was given, amended or retracted last."""
    ended_time: datetime | None = None
    cause: str = ""
    """Why it failed: instrument, measurement, synthesis, interrupted or spoilt."""
    reason: str = ""
    spoilt: str = ""
    """Why its sample stood for too long; empty if it did not."""
    slots: Mapping[str, int] = field(default_factory=dict)
    """Which slot it took, from 1, by place that has several."""

    @classmethod
    def from_start(
        cls, event: ExperimentStarted, time: datetime, *, added_by: str = ""
    ) -> "ExperimentState":
        """Return the state right after the start.

        Args:
            event: The start.
            time: When.
            added_by: Whose own point it is; empty for one that a planner proposed.
        """
        return cls(
            experiment_id=event.experiment_id,
            number=event.number,
            candidate=event.candidate,
            jobs={job.name: JobState(job) for job in event.jobs},
            started_time=time,
            cost_usd=event.cost_usd,
            purpose=event.purpose,
            added_by=added_by,
        )

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in (ExperimentStatus.RUNNING, ExperimentStatus.IN_DOUBT)

    def jobs_in_doubt(self) -> list[str]:
        """Return the ids of the jobs of which nobody knows whether they happened."""
        return [
            job.planned.job_id for job in self.jobs.values() if job.status is JobStatus.IN_DOUBT
        ]

    def places_held(self) -> frozenset[str]:
        """Return the places that it occupies.

        A place is taken when the first job that names it touches matter, or when one of them
        begins after its cleaning was skipped; it is given back when the last job that names it, in
        the recipe's order, is done.
        """
        held = set(self._places_touched())
        skipped = {
            job.planned.cleans for job in self.jobs.values() if job.status is JobStatus.SKIPPED
        }
        for job in self.jobs.values():
            if job.attempt:
                held.update(skipped.intersection(job.planned.positions))
        return self._not_given_back(held)

    def places_soiled(self) -> frozenset[str]:
        """Return the places that it occupies and whose matter it touched."""
        return self._not_given_back(self._places_touched())

    def _places_touched(self) -> set[str]:
        jobs = self.jobs.values()
        return {place for job in jobs if job.has_touched for place in job.planned.positions}

    def _not_given_back(self, held: Iterable[str]) -> frozenset[str]:
        last_user = {place: job for job in self.jobs.values() for place in job.planned.positions}
        return frozenset(place for place in held if not last_user[place].is_past)

    def after(self, event: ExperimentEvent, time: datetime) -> "ExperimentState":
        """Return the state after one more event.

        Args:
            event: What happened.
            time: When.

        Raises:
            IllegalTransition: The tables have no such pair, or the job is not this experiment's.
        """
        key = (self.status, type(event))
        if key not in EXPERIMENT_TRANSITIONS:
            raise IllegalTransition(
                f"experiment {self.experiment_id}", str(self.status), type(event).__name__
            )
        status = EXPERIMENT_TRANSITIONS[key]
        match event:
            case AnalysisFinished():
                return replace(self, status=status, analyses=(*self.analyses, event))
            case ObservationRecorded():
                return replace(self, status=status, observed=event)
            case ObservationGiven() | ObservationAmended() | ObservationRetracted():
                return self._corrected(event)
            case SampleSpoilt():
                return replace(self, status=status, spoilt=event.reason)
            case ExperimentFinished():
                return replace(self, status=status, ended_time=time)
            case ExperimentFailed():
                ended = replace(self, status=status, ended_time=time)
                return replace(ended, cause=event.cause, reason=event.reason)
            case _:
                return self._after_job(event, time)

    def _corrected(self, event: CorrectionEvent) -> "ExperimentState":
        match event:
            case ObservationGiven():
                return replace(self, observed=_as_recorded(event), correction=event.remark)
            case ObservationAmended():
                amended = _as_recorded(event)
                return replace(self, observed=amended, is_retracted=False, correction=event.reason)
            case ObservationRetracted():
                return replace(self, is_retracted=True, correction=event.reason)

    def _after_job(self, event: JobEvent, time: datetime) -> "ExperimentState":
        name = event.job_id.partition("/")[2]
        if name not in self.jobs:
            raise IllegalTransition(f"experiment {self.experiment_id}", "no job", event.job_id)
        jobs = {**self.jobs, name: self.jobs[name].after(event, time)}
        is_in_doubt = any(job.status is JobStatus.IN_DOUBT for job in jobs.values())
        status = ExperimentStatus.IN_DOUBT if is_in_doubt else ExperimentStatus.RUNNING
        slots = {**self.slots, **event.slots} if isinstance(event, JobStarted) else self.slots
        return replace(self, jobs=jobs, status=status, slots=slots)


def _as_recorded(event: ObservationGiven | ObservationAmended) -> ObservationRecorded:
    return ObservationRecorded(
        experiment_id=event.experiment_id, observation=event.observation, computed=event.computed
    )
