"""Counting and drawing: exact numbers, points on the lattice, every point equally often."""

import itertools
import math
from decimal import Decimal

import numpy as np
import pytest

from campaigns.space import Composition, Space
from orchestrator.optimise.counting import count_points
from orchestrator.optimise.drawing import Drawer, approximate_count
from orchestrator.optimise.lattice import Lattice, row_keys


def lattice(n: int, step: str, **given: object) -> Lattice:
    names = [f"c{i}" for i in range(n)]
    return Lattice.of(Space(composition=Composition(components=names, step=Decimal(step), **given)))


def everything(found: Lattice) -> set[tuple[int, ...]]:
    rows = np.array(list(itertools.product(*(each.tolist() for each in found.allowed))))
    return set(row_keys(rows[found.contains(rows)]))


SMALL = [
    lattice(1, "0.1"),
    lattice(3, "0.1"),
    lattice(4, "0.1", max_active=2),
    lattice(4, "0.05", min_active_fraction=0.15),
    lattice(4, "0.1", bounds={"c0": [0.2, 0.3], "c1": [0, 0]}),
    lattice(3, "0.05", bounds={"c0": [0.3, 0.3], "c1": [0.1, 0.5], "c2": [0.2, 0.6]}),
    lattice(5, "0.1", bounds={f"c{i}": [0, 0.2] for i in range(5)}),
    lattice(4, "0.1", bounds={"c3": [0.4, 1]}, min_active_fraction=0.3, max_active=3),
]


@pytest.mark.parametrize("found", SMALL)
def test_counting_agrees_with_trying_everything(found: Lattice) -> None:
    wanted = len(everything(found))

    assert count_points(found) == wanted
    assert Drawer(found).log2_n_points == pytest.approx(math.log2(wanted), abs=1e-9)


@pytest.mark.parametrize("found", SMALL)
@pytest.mark.parametrize("is_even", [True, False])
def test_every_point_is_drawn_and_no_other(found: Lattice, is_even: bool) -> None:
    uniforms = np.random.default_rng(0).random((20_000, found.n_variables + 1))

    rows = Drawer(found).draw(uniforms, is_even_over_active=is_even)

    assert set(row_keys(rows)) == everything(found)


@pytest.mark.parametrize("edge", [0.0, np.nextafter(1.0, 0)])
@pytest.mark.parametrize("found", SMALL)
def test_the_ends_of_the_unit_interval_are_points_too(found: Lattice, edge: float) -> None:
    rows = Drawer(found).draw(np.full((1, found.n_variables + 1), edge), is_even_over_active=False)

    assert found.contains(rows).all()


@pytest.mark.slow
def test_drawing_is_uniform_over_the_lattice() -> None:
    plate = lattice(6, "0.1", max_active=4)
    rng = np.random.default_rng(0)

    rows = Drawer(plate).draw(rng.random((60_000, 7)), is_even_over_active=False)

    assert plate.contains(rows).all()
    _, counts = np.unique(rows, axis=0, return_counts=True)
    assert len(counts) == 2121
    assert ((counts - 60_000 / 2121) ** 2).sum() / (60_000 / 2121) < 2121 + 5 * math.sqrt(2 * 2121)


def test_the_same_numbers_give_the_same_points() -> None:
    found = lattice(5, "0.01", max_active=3)
    uniforms = np.random.default_rng(3).random((500, 6))

    first, again = (Drawer(found).draw(uniforms, is_even_over_active=True) for _ in range(2))

    assert np.array_equal(first, again)


def test_a_lattice_without_points_gives_none() -> None:
    found = lattice(2, "0.1")
    empty = Lattice(
        names=found.names,
        n_components=2,
        n_steps=10,
        max_active=2,
        allowed=(np.array([1, 2]), np.array([0, 3])),
        values=found.values,
        shown=found.shown,
    )

    assert count_points(empty) == approximate_count(empty) == 0
    assert Drawer(empty).log2_n_points == -math.inf
    assert len(Drawer(empty).draw(np.zeros((5, 3)), is_even_over_active=True)) == 0


@pytest.mark.slow
def test_numbers_of_a_hundred_digits_are_counted_and_drawn_from() -> None:
    found = lattice(100, "0.001")
    uniforms = np.random.default_rng(0).random((3, 101))

    rows = Drawer(found).draw(uniforms, is_even_over_active=False)

    assert count_points(found) == math.comb(1099, 99)
    assert found.contains(rows).all()


@pytest.mark.slow
def test_what_takes_long_to_count_is_counted_to_three_digits() -> None:
    found = lattice(60, "0.0005", max_active=59)

    exact = count_points(lattice(60, "0.0005")) - math.comb(1999, 59)

    assert approximate_count(found) == pytest.approx(exact, rel=0.006)
    assert len(str(approximate_count(found)).rstrip("0")) <= 3
