"""Every job of a rig's open samples: when it was done or should be, and why it waits; pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from orchestrator.core.attempts import is_lost, is_unsettled
from orchestrator.core.bench_shop import key_of, left_s
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.foreseen import Start
from orchestrator.core.job import JobState, JobStatus
from orchestrator.core.job_turns import is_given_up, must_begin_by, runnable_jobs
from orchestrator.core.outlook import Outlook
from orchestrator.service.plan_view import PlanBar, PlannedJobView, WaitKind

__all__ = ["bars_of", "job_views"]

_ENDED = frozenset({JobStatus.DONE, JobStatus.SKIPPED})


def job_views(
    outlook: Outlook, driven: frozenset[str], now: datetime
) -> tuple[PlannedJobView, ...]:
    """Return every job of every open sample that was done or is still to be.

    Args:
        outlook: How the work is expected to go.
        driven: Ids of the campaigns whose engine is there.
        now: The present time on the rig's clock.
    """
    planned = {key: start for start in outlook.forecast.starts for key in start.keys}
    found: list[PlannedJobView] = []
    for state in outlook.states:
        seen = _Seen(outlook, state, state.campaign_id in driven, now, planned)
        for experiment in sorted(state.open_experiments.values(), key=lambda one: one.number):
            found += seen.views(experiment)
    return tuple(found)


def bars_of(jobs: Iterable[PlannedJobView]) -> dict[str, tuple[PlanBar, ...]]:
    """Return what each instrument does when, by name; the samples of one load share a bar.

    Args:
        jobs: Of all samples.
    """
    loads: dict[tuple[str, str, str, datetime], list[PlannedJobView]] = {}
    for job in jobs:
        if job.begin is not None and job.end is not None and job.state != "skipped":
            key = (job.instrument, job.state, job.action, job.begin)
            loads.setdefault(key, []).append(job)
    found: dict[str, list[PlanBar]] = {}
    for (instrument, state, action, begin), members in loads.items():
        ends = [job.end for job in members if job.end is not None]
        bar = PlanBar(
            state=state,
            begin=begin,
            end=max(ends),
            samples=tuple(job.sample for job in members),
            name=members[0].name,
            action=action,
        )
        found.setdefault(instrument, []).append(bar)
    return {
        name: tuple(sorted(bars, key=lambda bar: bar.begin)) for name, bars in sorted(found.items())
    }


@dataclass(frozen=True, slots=True)
class _Seen:
    """One campaign, as its jobs are told."""

    outlook: Outlook
    state: CampaignState
    is_driven: bool
    now: datetime
    planned: Mapping[str, Start]

    def views(self, experiment: ExperimentState) -> Iterator[PlannedJobView]:
        """Yield the jobs of one sample."""
        turn = {job.planned.job_id for job in runnable_jobs(experiment)}
        given_up = is_given_up(experiment)
        for job in experiment.jobs.values():
            is_open = job.status is JobStatus.QUEUED
            if is_open and given_up and not job.planned.is_cleanup:
                continue
            yield self._view(experiment, job, job.planned.job_id in turn)

    def _view(
        self, experiment: ExperimentState, job: JobState, is_its_turn: bool
    ) -> PlannedJobView:
        key = key_of(self.state, job)
        start = self.planned.get(key)
        word, begin, end = self._times(job, start)
        kind, why = self._why(experiment, job, is_its_turn, start)
        return PlannedJobView(
            campaign_id=self.state.campaign_id,
            experiment_id=experiment.experiment_id,
            job_id=job.planned.job_id,
            name=job.planned.name,
            action=job.planned.action,
            instrument=start.machine if start is not None else job.instrument,
            state=word,
            begin=begin,
            end=end,
            must_begin_by=must_begin_by(experiment, job) if is_its_turn else None,
            is_late=key in self.outlook.forecast.late,
            with_samples=self._companions(job, key, start),
            kind=kind,
            why=why,
        )

    def _times(
        self, job: JobState, start: Start | None
    ) -> tuple[str, datetime | None, datetime | None]:
        """Return a job's state in one word, when it begins, and when it ends."""
        if job.status is JobStatus.STARTED:
            ends = self.now + timedelta(seconds=left_s(job, self.now))
            return "running", job.started_time, ends
        if job.status in _ENDED or is_unsettled(job) or is_lost(job):
            return str(job.status), job.started_time, job.ended_time
        if start is None:
            return "waiting", None, None
        begin = self.now + timedelta(seconds=start.begin_s)
        return "planned", begin, self.now + timedelta(seconds=start.end_s)

    def _why(
        self,
        experiment: ExperimentState,
        job: JobState,
        is_its_turn: bool,
        start: Start | None,
    ) -> tuple[WaitKind, str]:
        """Return what a job waits for; nothing if it has begun, or never will."""
        if job.status in _ENDED or job.status is JobStatus.STARTED or is_lost(job):
            return "", ""
        if is_unsettled(job):
            return "doubt", f"nobody knows what {job.instrument} did: {job.evidence}"
        status = self.state.status
        if status not in (CampaignStatus.RUNNING, CampaignStatus.PAUSING):
            reason = f": {self.state.status_reason}" if self.state.status_reason else ""
            return "campaign", f"the campaign is {status}{reason}"
        if not self.is_driven:
            return "engine", f"no engine drives {self.state.campaign_id}"
        if is_its_turn:
            return "turn", self._why_not_now(job, start)
        return "before", self._before(experiment, job)

    def _why_not_now(self, job: JobState, start: Start | None) -> str:
        """Return why a job does not begin whose sample could."""
        said = self.outlook.why.get(key_of(self.state, job), "")
        if said:
            return said
        if start is not None and start.begin_s > 1.0:
            return f"other work goes first on {start.machine}"
        hours = self.outlook.hours[self.state.campaign_id]
        if start is None and hours.left_s < inf:
            return hours.why_not(inf)
        return "it begins now" if start is not None else "what must follow it cannot be foreseen"

    def _before(self, experiment: ExperimentState, job: JobState) -> str:
        """Return the names of the jobs that a job waits for."""
        jobs = experiment.jobs
        names = [name for name in job.planned.after if name in jobs and not jobs[name].is_past]
        if is_given_up(experiment):
            names = [
                name
                for name, one in jobs.items()
                if one is not job and not one.is_past and (one.planned.is_cleanup or _runs(one))
            ]
        return f"waits for {', '.join(names)} of {experiment.experiment_id}"

    def _companions(self, job: JobState, key: str, start: Start | None) -> tuple[str, ...]:
        """Return the other samples that a job is done with."""
        if start is not None:
            return tuple(_sample(other) for other in start.keys if other != key)
        if job.status is JobStatus.QUEUED:
            return ()
        leader = job.led_by or job.planned.job_id
        together = [
            key_of(self.state, one)
            for experiment in self.state.open_experiments.values()
            for one in experiment.jobs.values()
            if one is not job
            and (one.led_by or one.planned.job_id) == leader
            and one.started_time == job.started_time
        ]
        return tuple(map(_sample, together))


def _runs(job: JobState) -> bool:
    return job.status is JobStatus.STARTED


def _sample(key: str) -> str:
    """Return whose job it is: ``oer-plate-1/E0004``."""
    return key.rpartition("/")[0]
