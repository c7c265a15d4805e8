"""Whose turn it is among the jobs of one experiment, until when, and when none is left; pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from orchestrator.core.attempts import is_lost, is_unsettled, may_repeat, may_retry
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.job import JobState, JobStatus

__all__ = ["is_concluded", "is_given_up", "must_begin_by", "runnable_jobs"]


def runnable_jobs(experiment: ExperimentState) -> Iterator[JobState]:
    """Yield the jobs whose turn it is, whatever their instrument and places do.

    Args:
        experiment: An open one. After a job was lost, or the sample spoilt, only cleanup jobs have
            a turn, one after another, and only if matter was touched.
    """
    jobs = experiment.jobs
    if is_given_up(experiment):
        if not any(is_unsettled(job) for job in jobs.values()):
            yield from [job for job in _cleanup_jobs(experiment) if not _is_done(job)][:1]
        return
    for job in jobs.values():
        is_due = job.status is JobStatus.QUEUED or may_retry(job) or may_repeat(job)
        if is_due and all(_is_done(other) for other in _before(experiment, job)):
            yield job


def is_concluded(experiment: ExperimentState) -> bool:
    """Tell whether no job is left to run."""
    jobs = experiment.jobs.values()
    if any(is_unsettled(job) for job in jobs):
        return False
    if not is_given_up(experiment):
        return all(_is_done(job) for job in jobs)
    cleanup = _cleanup_jobs(experiment)
    return any(is_lost(job) for job in cleanup) or all(_is_done(job) for job in cleanup)


def must_begin_by(experiment: ExperimentState, job: JobState) -> datetime | None:
    """Return until when a job must begin lest its sample is spoilt; None if it can wait for ever.

    Args:
        experiment: The job's.
        job: One whose turn it is.
    """
    if job.planned.max_wait_s is None or job.planned.is_cleanup:
        return None
    ended = [one.ended_time for one in _before(experiment, job) if one.ended_time is not None]
    if not ended:
        return None
    return max(ended) + timedelta(seconds=job.planned.max_wait_s)


def is_given_up(experiment: ExperimentState) -> bool:
    """Tell whether its sample will not be finished."""
    return bool(experiment.spoilt) or any(is_lost(job) for job in experiment.jobs.values())


def _before(experiment: ExperimentState, job: JobState) -> list[JobState]:
    jobs = experiment.jobs
    return [jobs[name] for name in job.planned.after if name in jobs]


def _cleanup_jobs(experiment: ExperimentState) -> list[JobState]:
    """Return what must still run after a job was lost; nothing if no matter was touched."""
    if not any(job.has_touched for job in experiment.jobs.values()):
        return []
    return [job for job in experiment.jobs.values() if job.planned.is_cleanup]


def _is_done(job: JobState) -> bool:
    return job.is_past
