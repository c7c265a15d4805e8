"""How often a job may be started, and when it is given up."""

from datetime import datetime, timedelta
from typing import Final

from orchestrator.core.job import JobState, JobStatus

__all__ = [
    "MAX_ATTEMPTS",
    "MAX_RETRY_WAIT_S",
    "NEVER_SENT",
    "NOT_TRIED",
    "RETRY_WAIT_S",
    "has_waited_enough",
    "is_lost",
    "is_unsettled",
    "may_repeat",
    "may_retry",
    "needs_person",
    "retry_time",
    "silence",
]

MAX_ATTEMPTS: Final = 3
"""How often a job is started before a person is told that its instrument cannot be used."""
RETRY_WAIT_S: Final = 15.0
"""Wait before the second attempt, in seconds; twice that before the third, and so on."""
MAX_RETRY_WAIT_S: Final = 300.0
"""The longest wait between two attempts, in seconds."""
NOT_TRIED: Final = frozenset(
    {
        "DidNotRun",
        "DoubtOpen",
        "InstrumentBusy",
        "InstrumentOut",
        "InterlockTripped",
        "JournalError",
        "Latched",
        "LineError",
        "LineTimeout",
        "NotAccepted",
        "NotConnected",
        "OldEpoch",
        "OrderExpired",
        "StationLost",
        "Stopping",
        "UnknownInstrument",
    }
)
"""Errors that say nothing about the job: its instrument could not be used, or a person said that it
did not run. The job waits for better times, however long; no sample is lost for it."""
NEVER_SENT: Final = NOT_TRIED | {"NothingDone", "OutcomeUnknown", "ProtocolError"}
"""Errors after which a job that has not acted is worth another attempt."""


def silence(job: JobState) -> str:
    """Say that a lost job's instrument did not answer; empty if that is not why it was lost."""
    if job.status is not JobStatus.FAILED or not is_lost(job) or job.error not in NEVER_SENT:
        return ""
    if job.has_acted:
        return ""
    instrument, n = job.instrument, job.attempt
    return f"{instrument} could not be used in {n} attempts: {job.error}: {job.evidence}"


def is_unsettled(job: JobState) -> bool:
    """Tell whether it runs, or may have run: a doubt about a mere reading harms nobody."""
    is_doubtful = job.status is JobStatus.IN_DOUBT and job.planned.recovery != "pure"
    return is_doubtful or job.status is JobStatus.STARTED


def may_repeat(job: JobState) -> bool:
    """Tell whether a reading that was cut off may be asked for again."""
    is_cut_off = job.status is JobStatus.IN_DOUBT and job.planned.recovery == "pure"
    return is_cut_off and job.attempt < job.planned.max_attempts


def retry_time(job: JobState) -> datetime | None:
    """Return when a failed job may be tried again; None for a job that did not fail."""
    if job.status is not JobStatus.FAILED or job.ended_time is None:
        return None
    if job.error == "DidNotRun":
        return job.ended_time
    return job.ended_time + timedelta(seconds=min(RETRY_WAIT_S * job.attempt, MAX_RETRY_WAIT_S))


def has_waited_enough(job: JobState) -> bool:
    """Tell whether a job's instrument could not be used so often that a person should know."""
    is_tried = job.error in NOT_TRIED and job.error != "DidNotRun"
    is_waiting = job.status is JobStatus.FAILED and not job.has_acted
    return is_waiting and is_tried and job.attempt >= MAX_ATTEMPTS


def may_retry(job: JobState) -> bool:
    """Tell whether a failed job is worth another attempt: nothing acted, and it may go better.

    What the recipe says of its failures decides what is worth it; nothing makes a job that has
    acted run again.
    """
    if job.status is not JobStatus.FAILED or job.has_acted:
        return False
    if job.error in NOT_TRIED:
        return True
    is_worth_it = job.error in NEVER_SENT or job.planned.on_failure in ("retry", "hold")
    return is_worth_it and job.error != "LimitError" and job.attempt < job.planned.max_attempts


def needs_person(job: JobState, since: datetime) -> bool:
    """Tell whether a job failed of which the recipe says that a person looks before anything else.

    Args:
        job: Any.
        since: When a person let the campaign go on last; what failed before was looked at.
    """
    return (
        job.status is JobStatus.FAILED
        and job.planned.on_failure == "hold"
        and job.error not in NOT_TRIED | {"SampleScrapped"}
        and job.ended_time is not None
        and job.ended_time > since
    )


def is_lost(job: JobState) -> bool:
    """Tell whether a job will never be done: interrupted, or no other attempt is allowed."""
    match job.status:
        case JobStatus.FAILED:
            return not may_retry(job)
        case JobStatus.IN_DOUBT:
            return not is_unsettled(job) and not may_repeat(job)
        case _:
            return job.status is JobStatus.INTERRUPTED
