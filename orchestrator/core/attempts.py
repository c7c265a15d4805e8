"""How often a job may be started, and when it is given up."""

from datetime import datetime, timedelta
from typing import Final

from orchestrator.core.job import JobState, JobStatus

__all__ = [
    "MAX_ATTEMPTS",
    "NEVER_SENT",
    "RETRY_WAIT_S",
    "is_lost",
    "is_unsettled",
    "may_repeat",
    "may_retry",
    "retry_time",
    "silence",
]

MAX_ATTEMPTS: Final = 3
"""How often a job is started at most, if nothing was sent in the attempts before."""
RETRY_WAIT_S: Final = 15.0
"""Wait before the second attempt, in seconds; twice that before the third."""
NEVER_SENT: Final = frozenset(
    {
        "InstrumentBusy",
        "LineError",
        "LineTimeout",
        "NotConnected",
        "NothingDone",
        "OrderExpired",
        "OutcomeUnknown",
        "ProtocolError",
    }
)
"""Errors after which a job that has not acted is worth another attempt."""


def silence(job: JobState) -> str:
    """Say that a lost job's instrument did not answer; empty if that is not why it was lost."""
    if job.status is not JobStatus.FAILED or not is_lost(job) or job.error not in NEVER_SENT:
        return ""
    if job.has_acted:
        return ""
    instrument, n = job.planned.instrument, job.attempt
    return f"{instrument} could not be used in {n} attempts: {job.error}: {job.evidence}"


def is_unsettled(job: JobState) -> bool:
    """Tell whether it runs, or may have run: a doubt about a mere reading harms nobody."""
    is_doubtful = job.status is JobStatus.IN_DOUBT and job.planned.recovery != "pure"
    return is_doubtful or job.status is JobStatus.STARTED


def may_repeat(job: JobState) -> bool:
    """Tell whether a reading that was cut off may be asked for again."""
    is_cut_off = job.status is JobStatus.IN_DOUBT and job.planned.recovery == "pure"
    return is_cut_off and job.attempt < MAX_ATTEMPTS


def retry_time(job: JobState) -> datetime | None:
    """Return when a failed job may be tried again; None for a job that did not fail."""
    if job.status is not JobStatus.FAILED or job.ended_time is None:
        return None
    return job.ended_time + timedelta(seconds=RETRY_WAIT_S * job.attempt)


def may_retry(job: JobState) -> bool:
    """Tell whether a failed job is worth another attempt: nothing acted, and it may go better."""
    return (
        job.status is JobStatus.FAILED
        and not job.has_acted
        and job.error in NEVER_SENT
        and job.attempt < MAX_ATTEMPTS
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
