"""One point judged exactly, and in agreement with the set that planners draw from."""

import random
from decimal import Decimal

import numpy as np
import pytest

from campaigns.loading import campaign_from_text
from campaigns.membership import problems_of_point
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.sobol_planner import points_of

CAMPAIGN = """
[campaign]
name = "membership"
[space.composition]
components = ["a", "b", "c"]
bounds = { a = [0.1, 0.8] }
max_active = 2
min_active_fraction = 0.2
step = 0.1
[[space.parameter]]
name = "gas"
kind = "categorical"
values = ["argon", "air"]
[[space.parameter]]
name = "bake_c"
kind = "range"
low = 100
high = 130
step = 10
[computed]
cost = "2*a + 9*b"
[[constraint]]
expression = "cost <= 5 or gas == 'air'"
[[constraint]]
expression = "a*b <= 0.2"
[[objective]]
name = "y"
direction = "maximise"
"""
SPEC = campaign_from_text(CAMPAIGN, file="membership.toml")
RIGHT = {"a": 0.6, "b": 0.0, "c": 0.4, "gas": "argon", "bake_c": 110.0}


def told(**changes: object) -> list[str]:
    point = {**RIGHT, **changes}
    problems = problems_of_point(SPEC.space, SPEC.conditions, point)
    return [f"{one.key}: {one.got}; {one.expected}" for one in problems]


def test_a_point_of_the_space_has_no_problem() -> None:
    assert told() == []
    assert told(bake_c=Decimal(100)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"a": 0.55}, "a: 0.55; a whole multiple of the step 0.1"),
        ({"a": 0.9, "c": 0.1}, "a: 0.9; a fraction from 0.1 to 0.8"),
        ({"c": 0.1, "a": 0.8, "b": 0.1}, "c: 0.1; 0, or at least 0.2: less cannot be present"),
        ({"c": 0.3}, "composition: a sum of 0.9; 1"),
        ({"b": 0.2, "c": 0.2}, "composition: 3 components; at most 2 present at once"),
        ({"gas": "neon"}, "gas: neon; one of argon, air"),
        ({"gas": 1.0}, "gas: 1.0; a category in quotes"),
        ({"bake_c": "hot"}, "bake_c: hot; a number"),
        ({"bake_c": 104.0}, "bake_c: 104.0; one of 4 levels from 100 to 130; the nearest is 100"),
        ({"d": 0.1}, "d: d; one of a, b, c, gas, bake_c"),
        ({"b": 0.6, "a": 0.4, "c": 0.0}, "constraint: a*b <= 0.2; to hold at the point"),
    ],
)
def test_each_reason_is_named(changes: dict[str, object], expected: str) -> None:
    assert expected in told(**changes)


def test_a_missing_value_is_named() -> None:
    point = {name: value for name, value in RIGHT.items() if name != "gas"}

    (problem,) = problems_of_point(SPEC.space, SPEC.conditions, point)

    assert str(problem) == "gas: got nothing, expected a value"


def test_it_agrees_with_the_set_that_planners_draw_from() -> None:
    feasible = FeasibleSet.of(SPEC)
    assert feasible.listed is not None
    inside = {tuple(point.items()) for point in points_of(feasible, feasible.listed)}
    dice = random.Random(5)
    n_inside = 0

    for _ in range(2000):
        a = dice.randint(0, 10)
        b = dice.randint(0, 10 - a)
        point = {"a": a / 10, "b": b / 10, "c": (10 - a - b) / 10}
        point |= {"gas": dice.choice(["argon", "air"]), "bake_c": dice.choice([100.0, 130.0])}
        is_inside = tuple(point.items()) in inside
        n_inside += is_inside
        assert (not problems_of_point(SPEC.space, SPEC.conditions, point)) == is_inside, point

    assert 0 < n_inside < 2000
    assert np.all([not problems_of_point(SPEC.space, SPEC.conditions, dict(p)) for p in inside])
