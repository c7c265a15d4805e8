"""Fronts and volumes that grow are those that are made at once."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.front import hypervolume_series, pareto_indices
from orchestrator.service.live_front import RunningFront, RunningVolume, evenly

WAYS = ["minimise", "maximise", "minimise"]
ROWS = st.lists(st.tuples(*[st.integers(0, 6).map(float)] * 3), max_size=40)


@given(rows=ROWS, cut=st.integers(0, 40))
def test_a_front_that_grew_is_the_front(rows, cut):
    front = RunningFront(WAYS)
    named = [(str(i), row) for i, row in enumerate(rows)]

    front.extend(named[:cut])
    front.extend(named[cut:])

    assert {int(name) for name in front.names} == set(pareto_indices(rows, WAYS))


def test_many_rows_at_once_give_the_same_front_as_one_by_one():
    drawn = random.Random(3)
    rows = [(str(i), (drawn.random(), drawn.random(), drawn.random())) for i in range(500)]
    once, singly = RunningFront(WAYS), RunningFront(WAYS)

    once.extend(rows)
    for name, values in rows:
        singly.add(name, values)

    assert once.names == singly.names
    assert len(once) == len(once.values)
    first = [dict(rows)[name][0] for name in once.names]
    assert first == sorted(first)


@given(rows=ROWS, cut=st.integers(0, 40))
def test_a_series_that_grew_is_the_series(rows, cut):
    reference = [6.5, -0.5, 6.5]
    volume = RunningVolume(WAYS, reference, is_approximated=False)

    volume.extend([*rows[:cut]])
    volume.points()
    volume.extend([None, *rows[cut:]])

    points = dict(volume.points())
    expected = hypervolume_series(rows, WAYS, reference)
    places = [i + 1 + (i >= cut) for i in range(len(rows))]
    assert [points[n] for n in places] == pytest.approx(expected)


@pytest.mark.parametrize("batch", [1, 7, 10_000])
def test_a_long_series_is_thinned_alike_however_it_came(batch):
    drawn = random.Random(5)
    rows = [(drawn.random(), drawn.random()) for _ in range(4500)]
    volume = RunningVolume(["minimise", "minimise"], [1.0, 1.0], is_approximated=False)

    for start in range(0, len(rows), batch):
        volume.extend(rows[start : start + batch])

    points = volume.points()
    exact = hypervolume_series(rows, ["minimise", "minimise"], [1.0, 1.0])
    assert [n for n, _ in points] == [*range(4, 4500, 4), 4500]
    assert [value for _, value in points] == pytest.approx([exact[n - 1] for n, _ in points])


def test_an_approximated_series_rises_to_about_the_volume():
    drawn = random.Random(7)
    ways = ["minimise"] * 5
    rows = [tuple(drawn.random() for _ in ways) for _ in range(60)]
    volume = RunningVolume(ways, [1.0] * 5, is_approximated=True)

    volume.extend(rows[:59])
    first = volume.points()
    volume.extend(rows[59:])
    points = volume.points()

    exact = hypervolume_series(rows, ways, [1.0] * 5, exact=True)
    assert [n for n, _ in points] == list(range(1, 61))
    assert len(first) == 59
    assert points[-1][1] == pytest.approx(exact[-1], rel=0.03)
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(points))


def test_places_are_chosen_evenly_with_the_last():
    assert evenly(5, 1) == [4]
    assert evenly(5, 0) == []
    assert evenly(0, 3) == []
    assert len(set(evenly(10_000, 2000))) == 2000
