"""What a campaign's jobs did to the places of its rig, kept while its events are folded; pure."""

from collections.abc import Mapping

from orchestrator.core.attempts import is_lost
from orchestrator.core.contamination import LastSample, PlaceRecord, with_sample
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.point import Point

__all__ = ["fractions_of", "records_after"]


def fractions_of(point: Point, components: tuple[str, ...]) -> dict[str, float]:
    """Return how much of each component a sample holds, where it is more than nothing.

    Args:
        point: What the sample is made of, and how.
        components: Names of the space's components.
    """
    values = ((name, point.get(name)) for name in components)
    return {name: value for name, value in values if isinstance(value, float | int) and value > 0}


def records_after(
    records: Mapping[str, PlaceRecord],
    experiment: ExperimentState,
    job_id: str,
    components: tuple[str, ...],
) -> Mapping[str, PlaceRecord]:
    """Return what is known of places after something happened to a job.

    A sample comes to a place with the first job that names it and does not clean it; that may be
    a cleanup job, which moves it on. A place is clean when all jobs that clean it for one sample
    are done.

    Args:
        records: Before, by place.
        experiment: The job's, after it.
        job_id: Which job.
        components: Names of the space's components.
    """
    job = experiment.jobs[job_id.partition("/")[2]]
    planned = job.planned
    if planned.cleans:
        return _after_cleaning(records, experiment, job)
    after = dict(records)
    for place in planned.positions:
        record = after.get(place, PlaceRecord())
        last = record.last
        is_there = last is not None and last.experiment_id == experiment.experiment_id
        is_coming = job.status is JobStatus.STARTED
        if not is_there and not is_coming:
            continue
        time = job.started_time if is_coming or last is None else last.time
        if time is None:
            continue
        sample = LastSample(
            experiment_id=experiment.experiment_id,
            fractions=fractions_of(experiment.candidate.point, components),
            time=time,
            doubt=_doubt_at(place, experiment),
        )
        after[place] = with_sample(record, sample)
    return after


def _after_cleaning(
    records: Mapping[str, PlaceRecord], experiment: ExperimentState, job: JobState
) -> Mapping[str, PlaceRecord]:
    place = job.planned.cleans
    cleaning = [one for one in experiment.jobs.values() if one.planned.cleans == place]
    if any(one.status is not JobStatus.DONE for one in cleaning):
        return records
    return {**records, place: PlaceRecord(cleaned_time=job.ended_time)}


def _doubt_at(place: str, experiment: ExperimentState) -> str:
    """Say which job at a place went wrong; empty if none did."""
    for job in experiment.jobs.values():
        if place not in job.planned.positions or job.planned.recovery == "pure":
            continue
        if job.status is JobStatus.IN_DOUBT or (is_lost(job) and job.has_touched):
            return f"{job.planned.name} is {str(job.status).replace('_', ' ')}"
    return ""
