"""What predictions were worth, against numbers worked out by hand."""

import math

import plotly.graph_objects as go
import pytest

from drivers.clock import SystemClock
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.model_plots import (
    calibration_figure,
    coverage_figure,
    parity_figure,
    residual_figure,
)
from orchestrator.service.model_view import (
    method_stretches,
    model_view,
    predicted_pairs,
    window_size,
)
from orchestrator.service.proposals import ProposalView
from tests.support.judged_campaign import record_judged
from tests.support.recorded_campaign import OPENED


def view_of(n):
    log = MemoryLog()
    record_judged(log, n=n)
    return Lab(log, actor="ada", clock=SystemClock(), source="memory").campaign()


@pytest.fixture(scope="module")
def view():
    return view_of(14)


def test_only_what_was_predicted_and_measured_is_compared(view):
    pairs = predicted_pairs(view.experiments, "overpotential_v")

    assert [pair.experiment_id for pair in pairs] == [f"E{n:04d}" for n in range(5, 15)]
    assert pairs[0].sd == pytest.approx(math.hypot(0.02, 0.001))
    assert pairs[0].model_sd == 0.02


def test_retracted_results_and_exact_predictions_are_left_out(view):
    retracted = [
        one.model_copy(update={"is_retracted": one.number < 10}) for one in view.experiments
    ]

    assert len(predicted_pairs(retracted, "overpotential_v")) == 5
    assert predicted_pairs(view.experiments, "cost_usd_per_mol") == []


def test_errors_are_those_of_the_stored_predictions(view):
    model = model_view(view, "overpotential_v")
    # prediction n is off by (-1)^n (n mod 5) / 2 of its standard deviation of 0.02, n = 5 to 14
    errors = [0.02 * (-1) ** n * (n % 5) / 2 for n in range(5, 15)]

    assert model.whole.n == 10
    assert model.whole.mae == pytest.approx(sum(map(abs, errors)) / 10)
    assert model.whole.rmse == pytest.approx(math.sqrt(sum(e * e for e in errors) / 10))
    assert [share.n_inside for share in model.whole.shares] == [4, 6, 8]


def test_below_five_predictions_nothing_is_said():
    model = model_view(view_of(8), "overpotential_v")

    assert (model.n, model.whole, model.windows, model.miscalibration) == (4, None, (), None)


def test_windows_follow_each_other_and_hold_everything(view):
    many = [
        one.model_copy(update={"experiment_id": f"{one.experiment_id}-{i}", "number": 100 * i})
        for i in range(3)
        for one in view.experiments
    ]
    model = model_view(view.model_copy(update={"experiments": tuple(many)}), "overpotential_v")

    assert [window.n for window in model.windows] == [10, 10, 10]
    assert window_size(10_000) == 500


def test_plotly_accepts_every_figure(view):
    model = model_view(view, "overpotential_v")

    for figure in (parity_figure, calibration_figure, coverage_figure, residual_figure):
        go.Figure(figure(model))


def proposal(number, method, *, far=0):
    return ProposalView(
        seq=number,
        time=OPENED,
        proposal=number,
        planner="botorch",
        method=method,
        reason=f"reason {number}",
        n_observations=number - 1,
        n_candidates=2,
        n_told=0 if method == "initial_design" else 2,
        n_out_of_distribution=far,
    )


def test_a_stretch_lasts_as_long_as_the_method():
    methods = ["initial_design", "initial_design", "log_nehvi", "log_nei", "log_nehvi"]
    stretches = method_stretches([proposal(i, m, far=i == 4) for i, m in enumerate(methods, 1)])

    assert [(one.method, one.first, one.last) for one in stretches] == [
        ("initial_design", 1, 2),
        ("log_nehvi", 3, 3),
        ("log_nei", 4, 4),
        ("log_nehvi", 5, 5),
    ]
    assert [one.far_share for one in stretches] == [None, 0.0, 0.5, 0.0]
    assert stretches[2].reason == "reason 4"
