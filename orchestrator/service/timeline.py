"""The timeline of jobs: one row for each instrument, one bar for each job."""

from collections.abc import Sequence
from html import escape
from typing import Final

from orchestrator.service.plots import Figure, axis, choice_buttons, layout
from orchestrator.service.views import CampaignView, JobView

__all__ = ["timeline_figure"]

_COLOURS: Final[dict[str, tuple[str, str]]] = {
    "done": ("#0072B2", "#56B4E9"),
    "started": ("#009E73", "#009E73"),
    "failed": ("#D55E00", "#D55E00"),
    "in_doubt": ("#E69F00", "#E69F00"),
    "interrupted": ("#CC79A7", "#CC79A7"),
}
"""Colours of odd and even experiments, by the job's state."""

_LEGENDS: Final = {
    "done": "done (odd and even experiments)",
    "started": "running",
    "failed": "failed",
    "in_doubt": "in doubt",
    "interrupted": "interrupted",
}

_CLOSE_UP_H: Final = 3.0


def timeline_figure(view: CampaignView) -> Figure:
    """Return when each instrument did what, in hours since the opening."""
    begun = [job for job in view.jobs if job.started_h is not None]
    now_h = _hours(view)
    instruments = sorted({job.instrument for job in begun}, reverse=True)
    data = [
        _bars([job for job in begun if job.state == state], state, now_h)
        for state in _COLOURS
        if any(job.state == state for job in begun)
    ]
    close_up = [0.0, min(now_h, _CLOSE_UP_H)]
    ranges = {
        "whole campaign": [0.0, now_h],
        f"first {_CLOSE_UP_H:g} h": close_up,
        f"last {_CLOSE_UP_H:g} h": [max(0.0, now_h - _CLOSE_UP_H), now_h],
    }
    buttons: list[Figure] = [
        {"label": label, "method": "relayout", "args": [{"xaxis.range": limits}]}
        for label, limits in ranges.items()
    ]
    return {
        "data": data,
        "layout": layout(
            barmode="overlay",
            bargap=0.25,
            xaxis=axis("hours since the opening", range=close_up),
            yaxis=axis("", categoryorder="array", categoryarray=instruments),
            height=max(260, 120 + 30 * len(instruments)),
            margin={"l": 120, "r": 30, "t": 70, "b": 60},
            legend={"orientation": "h", "y": 1.04, "yanchor": "bottom", "x": 1, "xanchor": "right"},
            updatemenus=[{**choice_buttons(buttons), "active": 1}],
        ),
    }


def _hours(view: CampaignView) -> float:
    ends = [job.ended_h or job.started_h or 0.0 for job in view.jobs]
    return max([(view.last_time - view.opened_time).total_seconds() / 3600.0, *ends])


def _bars(jobs: Sequence[JobView], state: str, now_h: float) -> Figure:
    odd, even = _COLOURS[state]
    starts = [job.started_h or 0.0 for job in jobs]
    ends = [now_h if job.ended_h is None else job.ended_h for job in jobs]
    return {
        "type": "bar",
        "orientation": "h",
        "name": _LEGENDS[state],
        "base": starts,
        "x": [end - start for start, end in zip(starts, ends, strict=True)],
        "y": [job.instrument for job in jobs],
        "text": [_hover(job, now_h) for job in jobs],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "color": [odd if job.number % 2 else even for job in jobs],
            "line": {"width": 0},
        },
    }


def _hover(job: JobView, now_h: float) -> str:
    start = job.started_h or 0.0
    minutes = 60.0 * ((now_h if job.ended_h is None else job.ended_h) - start)
    attempt = f", attempt {job.attempt}" if job.attempt > 1 else ""
    note = f"<br>{escape(job.note[:200])}" if job.note else ""
    return (
        f"<b>{job.experiment_id}/{job.name}</b><br>{job.action}: {job.state}{attempt}"
        f"<br>at {start:.2f} h, {minutes:.1f} min{note}"
    )
