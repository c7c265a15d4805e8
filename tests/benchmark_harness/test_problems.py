"""The benchmark's problems: tables that fit their definitions, bests that are bests."""

import numpy as np
import pytest

from orchestrator.core.front import pareto_indices
from tests.benchmarks.peers.asked import violations
from tests.benchmarks.peers.problems import PROBLEMS, REPORTED_ONLY, problem
from tests.benchmarks.peers.racing import N_INITIAL, measure

ROWS = {"oer": 2121, "opv": 1020, "monbtaw": 311, "lnp3": 768, "liquidus": 330, "concrete": 146}


@pytest.mark.parametrize("name", PROBLEMS)
def test_initial_experiments_are_feasible_distinct_and_the_same_again(name: str) -> None:
    task = problem(name)
    points = task.initial(2, N_INITIAL)
    assert points == task.initial(2, N_INITIAL)
    assert points != task.initial(1, N_INITIAL)
    assert len({tuple(point.items()) for point in points}) == N_INITIAL
    assert [violations(task, point) for point in points] == [[]] * N_INITIAL


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.slow
def test_every_row_of_a_table_is_a_point_of_its_definition(name: str) -> None:
    task = problem(name)
    assert task.table is not None
    rows = [task.feasible.lattice.row_at(point) for point in task.table.points]
    assert None not in rows
    assert len(rows) == len(set(rows)) == ROWS[name]
    assert task.feasible.contains(np.array(rows)).all()


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.slow
def test_the_front_of_a_table_has_the_quality_one(name: str) -> None:
    task = problem(name)
    assert task.table is not None
    outcomes = task.truth(task.table.points)
    directions = [each.direction for each in task.campaign.objectives]
    front = [outcomes[i] for i in pareto_indices(outcomes, directions)]
    assert task.quality(front)[-1] == pytest.approx(1)


@pytest.mark.slow
def test_no_random_mixture_beats_the_known_front() -> None:
    for name in ("dense6", "sparse9"):
        task = problem(name)
        rows = task.feasible.sample(200, np.random.default_rng(0)).tolist()
        points = [task.feasible.lattice.point(row) for row in rows]
        assert task.quality(task.truth(points))[-1] < 1


def test_the_targets_of_the_dense_mixture_are_its_best_points() -> None:
    task = problem("dense6")
    target = dict(zip(task.campaign.space.names, (0.45, 0.20, 0.05, 0.15, 0.10, 0.05), strict=True))
    assert task.truth([target])[0][0] == 1.0


def test_an_experiment_has_the_same_noise_whoever_asked_for_it() -> None:
    task = problem("oer")
    first, second = task.initial(0, 2)
    [one] = measure(task, [first], 0, 9)
    [other] = measure(task, [second], 0, 9)
    noises = [a["values"][0] - a["true"][0] for a in (one, other)]
    assert noises[0] == pytest.approx(noises[1])
    assert one["values"][1] == one["true"][1]


def test_half_of_the_problems_are_kept_for_reporting() -> None:
    assert len(REPORTED_ONLY) * 2 == len(PROBLEMS)
    assert set(REPORTED_ONLY) < set(PROBLEMS)
