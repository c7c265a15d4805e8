"""What the benchmark says of its traces."""

import numpy as np
import pytest

from tests.benchmarks.peers.plots import curve_plot
from tests.benchmarks.peers.problems import problem
from tests.benchmarks.peers.racing import Ask, Trace, measure
from tests.benchmarks.peers.summary import Results, broken_rules, paired_difference, seconds_per_ask
from tests.benchmarks.peers.worker_process import task_of


def trace(peer: str, seed: int, asks: list[Ask]) -> Trace:
    task = problem("liquidus")
    return {
        "peer": peer,
        "problem": "liquidus",
        "seed": seed,
        "digest": task.digest,
        "commit": "0000000",
        "versions": {},
        "load": [1.0, 1.0],
        "asks": asks,
        "experiments": measure(task, task.initial(seed, 8), seed, 0),
    }


def results(gap: float, noise: float) -> Results:
    rng = np.random.default_rng(0)
    quality = {}
    for seed in range(12):
        end = 0.6 + noise * rng.standard_normal()
        quality["ax", "liquidus", seed] = np.full(40, end)
        quality["athanor", "liquidus", seed] = np.full(40, end + gap + 0.01 * (-1) ** seed)
    traces = {key: trace(key[0], key[2], []) for key in quality}
    return Results(traces, quality)


def test_a_steady_difference_is_seen_through_the_spread_of_seeds() -> None:
    found = paired_difference(results(0.05, 0.2), "athanor", "ax")
    assert found is not None
    assert found.pairs == 12
    assert found.mean == pytest.approx(0.05)
    assert 0.03 < found.low < 0.05 < found.high < 0.07


def test_no_pair_gives_no_difference() -> None:
    assert paired_difference(results(0.05, 0.2), "athanor", "baybe") is None


def test_broken_rules_are_counted_by_row_and_kind() -> None:
    asks: list[Ask] = [
        {
            "seconds": 2.0,
            "cpu_seconds": 1.0,
            "rows": [],
            "violations": [
                [],
                ["x1: a whole multiple of the step 0.1"],
                ["composition: at most 4 present at once", "x1: a whole multiple of the step 0.1"],
                ["composition: 1"],
            ],
            "error": None,
        },
        {
            "seconds": 9.0,
            "cpu_seconds": 3.0,
            "rows": [],
            "violations": [],
            "error": "ValueError: x",
        },
    ]
    found = broken_rules([trace("ax", 0, asks)])
    assert (found.rows, found.grid, found.presence, found.other) == (4, 2, 1, 1)
    assert (found.failed_asks, found.asks) == (1, 2)


def test_the_first_ask_and_failed_ones_are_not_timed() -> None:
    ask: Ask = {"seconds": 2.0, "cpu_seconds": 1.5, "rows": [], "violations": [], "error": None}
    failed: Ask = {**ask, "error": "ValueError: x"}
    assert seconds_per_ask([trace("ax", 0, [ask, ask, failed])]).tolist() == [1.5]


def test_a_plot_names_every_peer_once() -> None:
    curves = {"ax": np.linspace(0.2, 0.8, 40)[None], "athanor": np.linspace(0.3, 0.9, 40)[None]}
    picture = curve_plot("liquidus", curves, 8, 40)
    assert picture.startswith("<svg")
    assert picture.count(">ax<") == picture.count(">athanor<") == 1


def test_a_task_says_in_plain_data_what_the_campaign_says() -> None:
    task = task_of(problem("dense6"), 3)
    assert task["components"] == ["x1", "x2", "x3", "x4", "x5", "x6"]
    bounds = task["bounds"]
    assert isinstance(bounds, dict)
    assert (bounds["x1"], bounds["x6"]) == ([0.05, 0.7], [0.0, 0.4])
    assert task["inequalities"] == [{"weights": {"x4": 1.0, "x5": 1.0}, "at_most": 0.6}]
    assert task["table"] is None
