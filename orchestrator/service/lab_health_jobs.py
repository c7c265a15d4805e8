"""What runs on the bench now and when it should end, by the durations that drivers declare.

Times are on the campaign's own clock. An expected end is a plan, not a promise: instruments are
given to whoever can begin first, and nothing is known of what the planner will propose.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict

from orchestrator.core.campaign import CampaignState
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.job import JobState, JobStatus
from orchestrator.service.labels import arguments_text

__all__ = [
    "SAME_CLOCK",
    "BenchTime",
    "JobKey",
    "OnBench",
    "RunningJob",
    "SampleView",
    "Span",
    "bench_time",
    "job_plan",
    "running_jobs",
    "sample_views",
]

_MOST_PLANNED: Final = 400
"""With more jobs that wait, only those that run are looked at."""
SAME_CLOCK: Final = timedelta(hours=1)
"""A simulated bench whose last fact is younger keeps the time of day."""
_MOVES: Final = frozenset({JobStatus.QUEUED, JobStatus.FAILED, JobStatus.INTERRUPTED})
"""What has not been done, and may yet be begun."""


JobKey: TypeAlias = tuple[str, str]
"""A campaign's id and a job's id."""


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BenchTime(_View):
    """The present on a campaign's clock."""

    now: datetime
    is_virtual: bool
    """Whether it is a simulated bench's own, which has nothing to do with the time of day."""


class Span(NamedTuple):
    """From when until when something is done, or should be."""

    start: datetime
    end: datetime


class OnBench(NamedTuple):
    """An experiment and the campaign that it belongs to."""

    campaign_id: str
    experiment: ExperimentState

    def key(self, job: JobState) -> JobKey:
        """Return what names one of its jobs in the whole laboratory."""
        return self.campaign_id, job.planned.job_id


class RunningJob(_View):
    """A job that an instrument does now, or of which nobody knows whether it did it."""

    campaign_id: str
    experiment_id: str
    number: int
    name: str
    instrument: str
    asked: str
    """Action and arguments with their units."""
    is_in_doubt: bool
    is_watched: bool
    """Whether an engine is there that would say how it went on."""
    attempt: int
    since: datetime
    expected_s: float
    expected_end: datetime
    done_fraction: float
    """How much of the expected duration has passed, 0 to 1."""
    overdue_s: float
    """How much longer than expected it has lasted, in seconds; 0 if it has not."""
    is_virtual: bool


class SampleView(_View):
    """A sample that is on the bench."""

    campaign_id: str
    experiment_id: str
    number: int
    state: str
    is_reference: bool
    places: tuple[str, ...]
    doing: str
    """What is done with it now, or what it waits for."""
    n_done: int
    n_jobs: int
    started_time: datetime
    expected_end: datetime | None
    """None while one of its jobs is in doubt, or no engine drives it."""
    is_virtual: bool


def bench_time(state: CampaignState, wall_now: datetime) -> BenchTime:
    """Return the present on a campaign's own clock.

    The clock of a dry-run, or of a bench that is simulated at another speed, is known by its last
    event only, and stands there; a bench that is simulated at the speed of life keeps the time of
    day.

    Args:
        state: The campaign.
        wall_now: The time of day.
    """
    if not state.is_simulated:
        return BenchTime(now=wall_now, is_virtual=False)
    age = wall_now - state.last_time
    if timedelta(0) <= age < SAME_CLOCK:
        return BenchTime(now=wall_now, is_virtual=False)
    return BenchTime(now=state.last_time, is_virtual=True)


def running_jobs(
    state: CampaignState, bench: BenchTime, *, is_watched: bool
) -> tuple[RunningJob, ...]:
    """Return the jobs that run or are in doubt, the one that should end first in front.

    Args:
        state: The campaign.
        bench: The present on its clock.
        is_watched: Whether its engine lives.
    """
    found = [
        _running(state.campaign_id, experiment, job, bench, is_watched)
        for experiment in state.open_experiments.values()
        for job in experiment.jobs.values()
        if job.status in (JobStatus.STARTED, JobStatus.IN_DOUBT)
    ]
    return tuple(sorted(found, key=lambda one: (one.is_in_doubt, one.expected_end)))


def _running(
    campaign_id: str,
    experiment: ExperimentState,
    job: JobState,
    bench: BenchTime,
    is_watched: bool,
) -> RunningJob:
    planned = job.planned
    since = job.started_time or experiment.started_time
    lasted_s = max(0.0, (bench.now - since).total_seconds())
    is_in_doubt = job.status is JobStatus.IN_DOUBT
    expected_s = planned.expected_s
    return RunningJob(
        campaign_id=campaign_id,
        experiment_id=experiment.experiment_id,
        number=experiment.number,
        name=planned.name,
        instrument=job.instrument,
        asked=f"{planned.action} {arguments_text(planned.arguments)}".strip(),
        is_in_doubt=is_in_doubt,
        is_watched=is_watched,
        attempt=job.attempt,
        since=since,
        expected_s=expected_s,
        expected_end=since + timedelta(seconds=expected_s),
        done_fraction=min(1.0, lasted_s / expected_s) if expected_s else 1.0,
        overdue_s=0.0 if is_in_doubt else max(0.0, lasted_s - expected_s),
        is_virtual=bench.is_virtual,
    )


def job_plan(experiments: Sequence[OnBench], now: datetime) -> dict[JobKey, Span]:
    """Return when each job that runs or waits should be done.

    Jobs that wait for one in doubt have no plan; neither has anything beyond 400 jobs.

    Args:
        experiments: Those on a bench, of all campaigns that share it.
        now: On its clock.
    """
    plan: dict[JobKey, Span] = {}
    free: dict[str, datetime] = {}
    waiting: list[tuple[OnBench, JobState]] = []
    for one in experiments:
        for job in one.experiment.jobs.values():
            if job.status is JobStatus.STARTED:
                since = job.started_time or now
                end = max(now, since + timedelta(seconds=job.planned.expected_s))
                plan[one.key(job)] = Span(since, end)
                free[job.instrument] = max(end, free.get(job.instrument, end))
            elif job.status in _MOVES:
                waiting.append((one, job))
    if len(waiting) <= _MOST_PLANNED:
        _plan_waiting(waiting, plan, free, now)
    return plan


def _plan_waiting(
    waiting: list[tuple[OnBench, JobState]],
    plan: dict[JobKey, Span],
    free: dict[str, datetime],
    now: datetime,
) -> None:
    """Give each instrument to whoever can begin first, until nobody can."""
    left = list(waiting)
    while left:
        starts = [
            (max(ready, free.get(job.instrument, now)), one.experiment.number, place)
            for place, (one, job) in enumerate(left)
            if (ready := _ready(one, job, plan, now)) is not None
        ]
        if not starts:
            return
        start, _, place = min(starts)
        one, job = left.pop(place)
        end = start + timedelta(seconds=job.planned.expected_s)
        plan[one.key(job)] = Span(start, end)
        free[job.instrument] = end


def _ready(
    one: OnBench, job: JobState, plan: Mapping[JobKey, Span], now: datetime
) -> datetime | None:
    """Return when what a job waits for is done; None if nobody knows."""
    ready = now
    for name in job.planned.after:
        before = one.experiment.jobs.get(name)
        if before is None or before.is_past:
            continue
        span = plan.get(one.key(before))
        if span is None:
            return None
        ready = max(ready, span.end)
    return ready


def sample_views(
    state: CampaignState, bench: BenchTime, plan: Mapping[JobKey, Span]
) -> tuple[SampleView, ...]:
    """Return the samples on the bench, by number.

    Args:
        state: The campaign.
        bench: The present on its clock.
        plan: `job_plan` of the bench.
    """
    running = sorted(state.open_experiments.values(), key=lambda one: one.number)
    return tuple(_sample(OnBench(state.campaign_id, one), bench, plan) for one in running)


def _sample(one: OnBench, bench: BenchTime, plan: Mapping[JobKey, Span]) -> SampleView:
    experiment = one.experiment
    jobs = experiment.jobs.values()
    left = [job for job in jobs if not job.is_past]
    ends = [plan[one.key(job)].end for job in left if one.key(job) in plan]
    return SampleView(
        campaign_id=one.campaign_id,
        experiment_id=experiment.experiment_id,
        number=experiment.number,
        state=str(experiment.status),
        is_reference=experiment.purpose == "reference",
        places=tuple(sorted(experiment.places_held())),
        doing=", ".join(_doing(experiment)) or "its result is being worked out",
        n_done=len(jobs) - len(left),
        n_jobs=len(jobs),
        started_time=experiment.started_time,
        expected_end=max(ends) if ends and len(ends) == len(left) else None,
        is_virtual=bench.is_virtual,
    )


def _doing(experiment: ExperimentState) -> Iterator[str]:
    jobs = experiment.jobs.values()
    doubtful = [job for job in jobs if job.status is JobStatus.IN_DOUBT]
    started = [job for job in jobs if job.status is JobStatus.STARTED]
    for job in doubtful:
        yield f"in doubt: {job.planned.name} on {job.instrument}"
    for job in started:
        yield f"{job.planned.name} on {job.instrument}"
    if not (doubtful or started):
        waiting = next((job for job in jobs if job.status in _MOVES), None)
        if waiting is not None:
            yield f"waits for {waiting.planned.name} on {waiting.instrument}"
