"""What the benchmark makes of the points that a peer asks for."""

import pytest

from tests.benchmarks.peers.asked import makeable, violations
from tests.benchmarks.peers.problems import problem
from tests.benchmarks.peers.tables import Point

PLATE = ("x1", "x2", "x3", "x4", "x5", "x6")


def plate(*fractions: float) -> Point:
    return dict(zip(PLATE, fractions, strict=True))


def nine(**fractions: float) -> Point:
    return {f"e{i}": fractions.get(f"e{i}", 0.0) for i in range(1, 10)}


def test_a_point_with_the_errors_of_a_computers_sums_breaks_nothing() -> None:
    asked = plate(0.1 + 0.2, 0.7 - 1e-9, 1e-17, -1e-12, 0.0, 0.0)
    assert violations(problem("oer"), asked) == []


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (plate(0.15, 0.85, 0, 0, 0, 0), "step"),
        (plate(0.2, 0.2, 0.2, 0.2, 0.2, 0), "present"),
        (plate(0.2, 0.2, 0.2, 0.2, 0, 0), "1"),
        (plate(1.1, -0.1, 0, 0, 0, 0), "0"),
    ],
    ids=["between_steps", "too_many", "sum", "negative"],
)
def test_what_a_point_breaks_is_named(asked: Point, word: str) -> None:
    assert any(word in text for text in violations(problem("oer"), asked))


def test_a_row_of_the_table_is_made_as_asked() -> None:
    asked = plate(0.5, 0.5, 0, 0, 0, 0)
    assert makeable(problem("oer"), [asked], []) == [asked]


def test_a_measured_row_gives_way_to_the_nearest_unmeasured_one() -> None:
    asked = plate(0.5, 0.5, 0, 0, 0, 0)
    chosen = makeable(problem("oer"), [asked, asked], [asked])
    assert asked not in chosen
    assert chosen[0] != chosen[1]
    for each in chosen:
        assert sum(abs(float(each[name]) - float(asked[name])) for name in PLATE) < 0.21


@pytest.mark.slow
def test_a_point_off_a_made_up_lattice_goes_to_the_nearest_feasible_one() -> None:
    asked = nine(e1=0.504, e6=0.456, e3=0.04)
    [made] = makeable(problem("sparse9"), [asked], [])
    assert violations(problem("sparse9"), made) == []
    assert (made["e1"], made["e6"]) == (0.5, 0.45)
    assert made["e3"] == 0.05


def test_a_feasible_point_of_a_made_up_lattice_may_be_made_again() -> None:
    asked = nine(e1=0.5, e6=0.5)
    assert makeable(problem("sparse9"), [asked], [asked]) == [asked]


def test_a_category_counts_as_far_as_the_whole_range_of_a_number() -> None:
    task = problem("lnp3")
    assert task.table is not None
    asked = task.table.points[100]
    [near] = makeable(task, [asked], [asked])
    assert near["solid_lipid"] == asked["solid_lipid"]
