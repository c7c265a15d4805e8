"""One job's life: what has happened to it, as a table of transitions.

Pure: no clock is read here, no file is opened, nothing heavy is imported.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from orchestrator.core.events import (
    DoubtAnswered,
    JobEvent,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobOutcomeUnknown,
    JobSkipped,
    JobStarted,
    LoggedReading,
    PlannedJob,
)
from orchestrator.errors import IllegalTransition

__all__ = ["JOB_TRANSITIONS", "JobState", "JobStatus"]


class JobStatus(StrEnum):
    """Where a job stands. Exactly one holds at a time."""

    QUEUED = "queued"
    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"


JOB_TRANSITIONS: Final[dict[tuple[JobStatus, type[JobEvent]], JobStatus]] = {
    (JobStatus.QUEUED, JobStarted): JobStatus.STARTED,
    (JobStatus.QUEUED, JobSkipped): JobStatus.SKIPPED,
    (JobStatus.STARTED, JobFinished): JobStatus.DONE,
    (JobStatus.STARTED, JobFailed): JobStatus.FAILED,
    (JobStatus.STARTED, JobOutcomeUnknown): JobStatus.IN_DOUBT,
    (JobStatus.STARTED, JobInterrupted): JobStatus.INTERRUPTED,
    (JobStatus.FAILED, JobStarted): JobStatus.STARTED,
    (JobStatus.FAILED, JobOutcomeUnknown): JobStatus.IN_DOUBT,
    (JobStatus.IN_DOUBT, JobStarted): JobStatus.STARTED,
    (JobStatus.IN_DOUBT, JobFinished): JobStatus.DONE,
    (JobStatus.IN_DOUBT, JobFailed): JobStatus.FAILED,
    (JobStatus.IN_DOUBT, JobOutcomeUnknown): JobStatus.IN_DOUBT,
    (JobStatus.IN_DOUBT, JobInterrupted): JobStatus.INTERRUPTED,
    (JobStatus.IN_DOUBT, DoubtAnswered): JobStatus.IN_DOUBT,
}
"""The whole life of a job. A pair that is not here is an error, not a no-op."""


@dataclass(frozen=True, slots=True)
class JobState:
    """What is known of one job after some of its events."""

    planned: PlannedJob
    status: JobStatus = JobStatus.QUEUED
    attempt: int = 0
    """How often it was started."""
    epoch: int = 0
    """The engine that started it last."""
    used_instrument: str = ""
    """Which equal instrument it was started on last; empty: the planned one."""
    led_by: str = ""
    """The job of another experiment under whose order it was started last; empty: its own."""
    readings: tuple[LoggedReading, ...] = ()
    started_time: datetime | None = None
    ended_time: datetime | None = None
    error: str = ""
    """Name in the drivers' error tree, if it failed."""
    evidence: str = ""
    """Message of the failure, what is known of an unknown outcome, or why it was skipped."""
    has_acted: bool = False
    """Whether a failed job may have touched matter."""
    answer: str = ""
    """What a person said of it when it was in doubt, and why."""

    @property
    def instrument(self) -> str:
        """The instrument that does it, or would."""
        return self.used_instrument or self.planned.instrument

    @property
    def is_past(self) -> bool:
        """Whether it is done, or was not necessary: what comes after it may begin."""
        return self.status in (JobStatus.DONE, JobStatus.SKIPPED)

    @property
    def has_touched(self) -> bool:
        """Whether matter may have been touched by it."""
        untouched = (JobStatus.QUEUED, JobStatus.FAILED, JobStatus.SKIPPED)
        return self.status not in untouched or self.has_acted

    def after(self, event: JobEvent, time: datetime) -> "JobState":
        """Return the state after one more event.

        Args:
            event: What happened.
            time: When.

        Raises:
            IllegalTransition: The table has no such pair.
        """
        try:
            status = JOB_TRANSITIONS[self.status, type(event)]
        except KeyError:
            raise IllegalTransition(
                f"job {event.job_id}", str(self.status), type(event).__name__
            ) from None
        match event:
            case JobStarted():
                return replace(
                    self,
                    status=status,
                    attempt=event.attempt,
                    epoch=event.epoch,
                    used_instrument=event.instrument,
                    led_by=event.led_by,
                    started_time=time,
                    ended_time=None,
                    error="",
                    evidence="",
                    has_acted=False,
                )
            case JobFinished():
                return replace(self, status=status, readings=event.readings, ended_time=time)
            case JobFailed():
                return replace(
                    self,
                    status=status,
                    error=event.error,
                    evidence=event.message,
                    has_acted=event.has_acted,
                    ended_time=time,
                )
            case JobOutcomeUnknown():
                doubt = replace(self, status=status, evidence=event.evidence, ended_time=time)
                return replace(doubt, error="")
            case JobInterrupted() | JobSkipped():
                return replace(self, status=status, evidence=event.reason, ended_time=time)
            case DoubtAnswered():
                answer = f"{event.answer}: {event.reason}"
                return replace(self, status=status, answer=answer)
