"""Moves, offspring and slopes stay on the lattice, and the search climbs what it is given."""

import numpy as np
import pytest

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation
from orchestrator.optimise.candidates import Taken
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import FloatArray, IntArray, row_keys
from orchestrator.optimise.local_search import LocalSearch
from orchestrator.optimise.planner import planner_for
from orchestrator.optimise.steps import moves_of, offspring, uphill

NINE = """
[campaign]
name = "nine"
[space.composition]
components = ["a", "b", "c", "d", "e", "f", "g", "h", "i"]
step = 0.01
max_active = 3
min_active_fraction = 0.05
bounds = { a = [0.0, 0.6] }
[[space.parameter]]
name = "heat_c"
kind = "range"
low = 100
high = 500
step = 10
[[space.parameter]]
name = "gas"
kind = "categorical"
values = ["argon", "air"]
[[constraint]]
expression = "a + b <= 0.8"
[[constraint]]
expression = "a*b <= 0.05"
[[objective]]
name = "y"
direction = "maximise"
[planner]
n_initial = 4
"""


def nine(settings: str = "") -> tuple[CampaignSpec, FeasibleSet]:
    spec = campaign_from_text(NINE + settings, file="nine.toml")
    return spec, FeasibleSet.of(spec)


def height(feasible: FeasibleSet, rows: IntArray) -> FloatArray:
    """Return a hill with its top at c 0.31, f 0.42, i 0.27, 370 C in air."""
    top = np.zeros(feasible.lattice.n_components)
    top[[2, 5, 8]] = 31, 42, 27
    off = ((rows[:, : len(top)] - top) ** 2).sum(axis=1) / 400
    columns = feasible.lattice.columns(rows)
    heat = np.asarray(columns["heat_c"], dtype=np.float64)
    return -off - ((heat - 370) / 100) ** 2 - 1.0 * (np.asarray(columns["gas"]) != "air")


def test_what_is_tried_lies_on_the_lattice() -> None:
    _, feasible = nine()
    rng = np.random.default_rng(0)
    rows = feasible.sample(12, rng)

    moved = moves_of(feasible.lattice, rows, rng)
    children = offspring(feasible.lattice, rows, 200, rng)
    gains = rng.normal(size=len(moved))
    along = np.vstack([uphill(feasible.lattice, row, moved, gains) for row in rows])

    for found in (moved, children, along):
        assert len(found) > 5
        assert feasible.lattice.contains(found).all()
    assert len(set(row_keys(moved))) == len(moved)


def test_moves_reach_every_neighbouring_set_of_components() -> None:
    _, feasible = nine()
    row = np.zeros(feasible.lattice.n_variables, dtype=np.int64)
    row[[2, 5, 8]] = 40, 40, 20
    row[9] = feasible.lattice.allowed[9][3]

    moved = moves_of(feasible.lattice, row[None], np.random.default_rng(0))
    reached = {tuple(np.flatnonzero(each[:9]).tolist()) for each in moved}

    fewer = {(2, 5), (2, 8), (5, 8)}
    swapped = {tuple(sorted((*pair, other))) for pair in fewer for other in (0, 1, 3, 4, 6, 7)}
    assert reached == fewer | swapped | {(2, 5, 8)}


def test_a_slope_leads_far_up_in_one_step() -> None:
    _, feasible = nine()
    row = np.zeros(feasible.lattice.n_variables, dtype=np.int64)
    row[[2, 5, 8]] = 10, 80, 10
    row[9] = feasible.lattice.allowed[9][20]
    moved = moves_of(feasible.lattice, row[None], np.random.default_rng(0))
    here = height(feasible, row[None])[0]

    along = uphill(feasible.lattice, row, moved, height(feasible, moved) - here)

    assert height(feasible, along).max() > here + 0.5 * -here


@pytest.mark.parametrize("seed", range(4))
def test_the_search_finds_the_top_of_a_sparse_space(seed: int) -> None:
    _, feasible = nine()
    rng = np.random.default_rng(seed)
    rows = feasible.sample(300, rng)
    search = LocalSearch(
        feasible=feasible,
        taken=Taken.of(feasible.lattice, [], []),
        may_take=lambda more: np.ones(len(more), dtype=np.bool_),
        score=lambda more: height(feasible, more),
        rng=rng,
    )

    best, score = search.best(rows, height(feasible, rows), lambda: False)

    assert feasible.contains(best[None]).all()
    assert score > height(feasible, rows).max()
    assert score > -0.02


def test_a_search_without_time_gives_the_best_of_what_it_was_given() -> None:
    _, feasible = nine()
    rows = feasible.sample(50, np.random.default_rng(0))
    scores = height(feasible, rows)
    search = LocalSearch(
        feasible=feasible,
        taken=Taken.of(feasible.lattice, [], []),
        may_take=lambda more: np.ones(len(more), dtype=np.bool_),
        score=lambda more: height(feasible, more),
        rng=np.random.default_rng(0),
    )

    best, score = search.best(rows, scores, lambda: True)

    assert score == scores.max()
    assert (best == rows[scores.argmax()]).all()


@pytest.mark.slow
def test_a_time_budget_cuts_the_search_and_says_so() -> None:
    spec, feasible = nine("[planner.settings]\ntime_budget_s = 0.000001\n")
    rows = feasible.sample(20, np.random.default_rng(0))
    values = height(feasible, rows)
    observations = [
        Observation(point=feasible.lattice.point(row), values={"y": float(value)})
        for row, value in zip(rows.tolist(), values, strict=True)
    ]

    hurried = planner_for(spec).propose(spec, observations, [], 3, 0)
    whole = planner_for(nine()[0]).propose(nine()[0], observations, [], 3, 0)

    assert len(hurried.candidates) == 3
    assert "time budget was over: no search around the best of pick 1" in hurried.reason
    assert "time budget" not in whole.reason


def test_an_impossible_time_budget_is_refused() -> None:
    spec, _ = nine()
    kind = type(planner_for(spec))

    with pytest.raises(ValueError, match="time_budget_s"):
        kind.from_settings({"time_budget_s": 0})
