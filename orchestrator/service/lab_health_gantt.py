"""A bench in time: what was planned beside what was done, and what should follow; pure.

Places on the page are fractions of the stretch that is shown, so that any renderer can draw them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

from orchestrator.core.job import JobState, JobStatus
from orchestrator.service.lab_health_jobs import BenchTime, JobKey, OnBench, Span

__all__ = ["GanttBar", "GanttRow", "GanttView", "gantt_view"]

_PAST: Final = timedelta(hours=2)
_LEAST_AHEAD: Final = timedelta(minutes=5)
_MOST_AHEAD: Final = timedelta(hours=2)
_STEPS_MIN: Final = (1, 2, 5, 10, 15, 30, 60, 120)
_MOST_TICKS: Final = 9
_MOST_TOLD: Final = 30


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GanttBar(_View):
    """One job on the timeline of its instrument."""

    campaign_id: str
    experiment_id: str
    number: int
    name: str
    action: str
    state: str
    """``done``, ``started``, ``failed``, ``in_doubt``, ``interrupted`` or ``queued``."""
    expected_s: float
    actual_s: float | None
    """How long it took, or has lasted; None if it has not begun."""
    start: datetime
    end: datetime
    """When it ended, or is expected to."""
    actual: tuple[float, float] | None
    """From where to where it is drawn, 0 to 1; None if it has not begun."""
    planned: tuple[float, float] | None
    """From where to where it should have been, or should be; None where nobody knows."""

    @property
    def late_s(self) -> float | None:
        """How much longer it took than expected, in seconds; negative for shorter."""
        return None if self.actual_s is None else self.actual_s - self.expected_s


class GanttRow(_View):
    """One instrument's jobs, in order of their begin."""

    instrument: str
    bars: tuple[GanttBar, ...]


class GanttView(_View):
    """A bench from some hours ago to some time ahead."""

    title: str
    """Whose bench."""
    rows: tuple[GanttRow, ...]
    start: datetime
    end: datetime
    now: datetime
    now_at: float
    """Where the present is, 0 to 1."""
    ticks: tuple[tuple[datetime, float], ...]
    is_virtual: bool

    @property
    def newest(self) -> tuple[tuple[str, GanttBar], ...]:
        """Instruments and jobs that have begun, the last one first; thirty at most."""
        begun = [
            (row.instrument, bar)
            for row in self.rows
            for bar in row.bars
            if bar.actual_s is not None
        ]
        begun.sort(key=lambda pair: pair[1].start, reverse=True)
        return tuple(begun[:_MOST_TOLD])


def gantt_view(
    title: str,
    experiments: Sequence[OnBench],
    plan: Mapping[JobKey, Span],
    bench: BenchTime,
) -> GanttView:
    """Return the timeline of a bench, an instrument in a row.

    Args:
        title: Whose bench.
        experiments: Those that ended lately and those on the bench.
        plan: When the jobs on the bench that run or wait should be done.
        bench: The present on its clock.
    """
    now = bench.now
    ends = [span.end for span in plan.values()]
    end = min(max([now + _LEAST_AHEAD, *ends]), now + _MOST_AHEAD)
    begun = [
        job.started_time
        for one in experiments
        for job in one.experiment.jobs.values()
        if job.started_time is not None and (job.ended_time or now) >= now - _PAST
    ]
    start = max(now - _PAST, min(begun, default=now - _LEAST_AHEAD))
    if end - start < 2 * _LEAST_AHEAD:
        start = end - 2 * _LEAST_AHEAD
    rows: dict[str, list[GanttBar]] = {}
    for one in experiments:
        for job in one.experiment.jobs.values():
            for bar in _bars(one, job, plan.get(one.key(job)), now, Span(start, end)):
                rows.setdefault(job.instrument, []).append(bar)
    return GanttView(
        title=title,
        rows=tuple(
            GanttRow(instrument=name, bars=tuple(sorted(bars, key=lambda bar: bar.start)))
            for name, bars in sorted(rows.items())
        ),
        start=start,
        end=end,
        now=now,
        now_at=_place(now, Span(start, end)),
        ticks=_ticks(Span(start, end)),
        is_virtual=bench.is_virtual,
    )


def _bars(
    one: OnBench, job: JobState, plan: Span | None, now: datetime, shown: Span
) -> Iterator[GanttBar]:
    """Yield the bar of a job; none outside of what is shown, or where nobody knows when."""
    planned, actual = _spans(job, plan, now)
    whole = [span for span in (planned, actual) if span is not None]
    if not whole:
        return
    start, end = min(span.start for span in whole), max(span.end for span in whole)
    if end < shown.start or start > shown.end:
        return
    state = str(job.status)
    is_waiting = actual is None
    yield GanttBar(
        campaign_id=one.campaign_id,
        experiment_id=one.experiment.experiment_id,
        number=one.experiment.number,
        name=job.planned.name,
        action=job.planned.action,
        state="queued" if is_waiting else state,
        expected_s=job.planned.expected_s,
        actual_s=None if actual is None else (actual.end - actual.start).total_seconds(),
        start=start,
        end=actual.end if actual is not None and job.ended_time is not None else end,
        actual=None if actual is None else _places(actual, shown),
        planned=None if planned is None else _places(planned, shown),
    )


def _spans(job: JobState, plan: Span | None, now: datetime) -> tuple[Span | None, Span | None]:
    """Return when a job should be done and when it was."""
    if job.started_time is None or job.status in (JobStatus.QUEUED, JobStatus.INTERRUPTED):
        return plan, None
    expected = timedelta(seconds=job.planned.expected_s)
    planned = Span(job.started_time, job.started_time + expected)
    return planned, Span(job.started_time, job.ended_time or max(now, job.started_time))


def _place(time: datetime, shown: Span) -> float:
    whole_s = (shown.end - shown.start).total_seconds()
    return min(1.0, max(0.0, (time - shown.start).total_seconds() / whole_s))


def _places(span: Span, shown: Span) -> tuple[float, float]:
    return _place(span.start, shown), _place(span.end, shown)


def _ticks(shown: Span) -> tuple[tuple[datetime, float], ...]:
    """Return round times, nine at most."""
    whole_min = (shown.end - shown.start).total_seconds() / 60
    step_min = next(
        (step for step in _STEPS_MIN if whole_min / step <= _MOST_TICKS), _STEPS_MIN[-1]
    )
    step = timedelta(minutes=step_min)
    midnight = shown.start.replace(hour=0, minute=0, second=0, microsecond=0)
    time = midnight + step * -(-(shown.start - midnight) // step)
    ticks = []
    while time <= shown.end:
        ticks.append((time, _place(time, shown)))
        time += step
    return tuple(ticks)
