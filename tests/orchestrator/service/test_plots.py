"""Figures: they show what the view says, and plotly accepts them."""

import json

import plotly.graph_objects as go
import pytest

from drivers.clock import SystemClock
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.composition_plots import (
    chosen_components,
    parallel_figure,
    ternary_figure,
)
from orchestrator.service.hypervolume_plot import hypervolume_figure
from orchestrator.service.lab import Lab
from orchestrator.service.plots import best_figure, front_figures
from orchestrator.service.timeline import timeline_figure
from tests.support.recorded_campaign import record_campaign


@pytest.fixture(scope="module")
def view():
    log = MemoryLog()
    campaign = record_campaign(log, n=20, ends=False)
    campaign.leave_in_doubt(campaign.start())
    return Lab(log, actor="ada", clock=SystemClock(), source="memory").campaign()


def test_plotly_accepts_every_figure(view):
    figures = [
        *(figure for _, figure in front_figures(view)),
        *(best_figure(view, objective) for objective in view.objectives),
        hypervolume_figure(view),
        ternary_figure(view, view.objectives[0]),
        parallel_figure(view),
        timeline_figure(view),
    ]

    for figure in figures:
        json.dumps(figure, allow_nan=False)
        go.Figure(figure)


def test_the_front_is_drawn_with_units_and_directions_on_the_axes(view):
    ((title, figure),) = front_figures(view)

    assert title == "overpotential_v / cost_usd_per_mol"
    assert figure["layout"]["yaxis"]["title"]["text"] == "overpotential (V), lower is better"
    assert figure["layout"]["xaxis"]["title"]["text"] == "cost (USD/mol), lower is better"
    others, edge, front = figure["data"]
    assert len(front["x"]) == len(view.front)
    assert len(others["x"]) + len(front["x"]) == view.counts.observed
    assert edge["x"] == sorted(edge["x"])
    assert edge["y"] == sorted(edge["y"], reverse=True)


def test_the_target_is_a_dashed_line(view):
    ((_, figure),) = front_figures(view)

    (line,) = figure["layout"]["shapes"]
    assert (line["y0"], line["y1"]) == (0.3, 0.3)


def test_thresholds_are_dotted_lines_with_their_values(view):
    y, x = view.objectives
    known = (y.model_copy(update={"threshold": 0.38}), x.model_copy(update={"threshold": 20.0}))
    ((_, figure),) = front_figures(view.model_copy(update={"objectives": known}))

    go.Figure(figure)
    _, across, down = figure["layout"]["shapes"]
    assert (down["y0"], down["y1"], down["line"]["dash"]) == (0.38, 0.38, "dot")
    assert (across["x0"], across["xref"], across["label"]["text"]) == (20.0, "x", "threshold 20")


def test_the_best_so_far_only_improves(view):
    figure = best_figure(view, view.objectives[0])

    best = [value for value in figure["data"][1]["y"] if value is not None]
    assert best == sorted(best, reverse=True)
    assert best[-1] == view.best[0].value


def test_the_timeline_has_a_bar_for_each_job_that_began(view):
    figure = timeline_figure(view)

    n_bars = sum(len(trace["x"]) for trace in figure["data"])
    assert n_bars == sum(job.started_h is not None for job in view.jobs)
    assert {trace["name"] for trace in figure["data"]} == {
        "done (odd and even experiments)",
        "failed",
        "in doubt",
    }
    assert all(length >= 0 for trace in figure["data"] for length in trace["x"])


def test_the_triangle_shows_the_components_that_were_used_most(view):
    assert chosen_components(view) == ("Ni", "Fe", "Co")


def test_parallel_lines_stay_within_their_axes(view):
    figure = parallel_figure(view)

    for trace in figure["data"]:
        assert all(value is None or 0.0 <= value <= 1.0 for value in trace["y"])
    n_lines = sum(trace["x"].count(0) for trace in figure["data"] if trace.get("visible", True))
    assert n_lines == view.counts.observed + len(view.front)
