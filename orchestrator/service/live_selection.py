"""Views of a live campaign: pages of its table, its front, its timeline, what plots show of it."""

from collections.abc import Sequence
from datetime import datetime

from orchestrator.errors import RequestRefused
from orchestrator.service.campaign_view import objective_views
from orchestrator.service.live_campaign import LiveCampaign
from orchestrator.service.live_front import evenly
from orchestrator.service.live_pages import Sought, orders_of, page_after
from orchestrator.service.live_rows import LiveRow
from orchestrator.service.live_views import (
    ExperimentPage,
    FrontPoint,
    FrontView,
    JobsView,
    SpecFilter,
)
from orchestrator.service.views import ExperimentView, JobView

__all__ = ["experiment_page", "front_view", "jobs_view", "plotted_experiments"]

_MOST_OTHERS = 2000
"""Points of a plot that are not on the front."""


def experiment_page(
    live: LiveCampaign, *, after: str | None, limit: int, order: str, state: str, text: str
) -> ExperimentPage:
    """Return some rows of the table of experiments; see `LiveLab.experiments`."""
    if not 1 <= limit <= 1000:
        raise RequestRefused(f"limit: got {limit}, expected 1 to 1000")
    last = None if after is None else live.row(after)
    rows = live.sought(Sought(order, state, text))
    page, next_row = page_after(rows, last, order, limit)
    front = frozenset(live.learnt().front)
    return ExperimentPage(
        items=tuple(live.rows.view(row, front) for row in page),
        n_matching=len(rows),
        n_all=len(live.rows.by_id),
        next_after=None if next_row is None else next_row.experiment_id,
        order=order,
        orders=orders_of(live.names()),
    )


def front_view(live: LiveCampaign, spec_filter: SpecFilter) -> FrontView:
    """Return the Pareto front of what a filter lets through; see `LiveLab.front`."""
    names = live.names()
    for bound in spec_filter.bounds:
        if bound.name not in names:
            expected = ", ".join(names)
            raise RequestRefused(f"bound: got {bound.name!r}, expected one of {expected}")
    filtered = live.front(spec_filter)
    front = filtered.names()
    on_front = set(front)
    others = [
        row
        for name in live.rows.observed
        if (row := live.rows.by_id[name]).objectives is not None and name not in on_front
    ]
    shown = [others[i] for i in evenly(len(others), _MOST_OTHERS)]
    return FrontView(
        objectives=objective_views(live.state),
        front=tuple(_point(live, live.rows.by_id[name]) for name in front),
        others=tuple(_point(live, row) for row in shown),
        n_counting=len(filtered.counting),
        n_observed=len(front) + len(others),
        n_left_out=len(others) - len(shown),
    )


def jobs_view(
    live: LiveCampaign, from_h: float, until_h: float, *, now: datetime, limit: int
) -> JobsView:
    """Return the jobs of a stretch of time; see `LiveLab.jobs_between`."""
    if not from_h <= until_h:
        raise RequestRefused(f"until_h: got {until_h:g}, expected at least from_h = {from_h:g}")
    if not 1 <= limit <= 20_000:
        raise RequestRefused(f"limit: got {limit}, expected 1 to 20000")
    now_h = live.rows.hours(now)
    shown: list[Sequence[JobView]] = []
    n_shown = n_left_out = 0
    for row in sorted(live.rows.by_id.values(), key=lambda one: -one.number):
        end_h = now_h if row.ended_time is None else live.rows.hours(row.ended_time)
        if live.rows.hours(row.started_time) > until_h or end_h < from_h:
            continue
        if n_shown + row.n_jobs > limit:
            n_left_out += row.n_jobs
            continue
        jobs = [job for job in live.jobs(row) if _is_between(job, from_h, until_h, now_h)]
        shown.append(jobs)
        n_shown += len(jobs)
    return JobsView(
        jobs=tuple(job for jobs in reversed(shown) for job in jobs),
        from_h=from_h,
        until_h=until_h,
        now_h=now_h,
        n_left_out=n_left_out,
    )


def plotted_experiments(live: LiveCampaign, most: int) -> tuple[ExperimentView, ...]:
    """Return the experiments that plots show, by number; see `LiveLab.for_plots`."""
    front = frozenset(live.learnt().front)
    rows = live.sought(Sought("number"))
    if len(rows) > most:
        newest = {row.experiment_id for row in rows[-max(1, most // 4) :]}
        chosen = front | newest
        others = [row for row in rows if row.experiment_id not in chosen]
        places = evenly(len(others), max(0, most - len(chosen)))
        chosen |= {others[i].experiment_id for i in places}
        rows = [row for row in rows if row.experiment_id in chosen]
    return tuple(live.rows.view(row, front) for row in rows)


def _is_between(job: JobView, from_h: float, until_h: float, now_h: float) -> bool:
    """Tell whether a job was done then; one that waits is as if it began now."""
    start_h = now_h if job.started_h is None else job.started_h
    end_h = now_h if job.ended_h is None else job.ended_h
    return start_h <= until_h and end_h >= from_h


def _point(live: LiveCampaign, row: LiveRow) -> FrontPoint:
    names = [objective.name for objective in live.state.spec.objectives]
    values = dict(zip(names, row.objectives or (), strict=True))
    return FrontPoint(experiment_id=row.experiment_id, number=row.number, values=values)
