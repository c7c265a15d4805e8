"""Extremes of a binding contain what every feasible point gives, and not much more."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.expression import parse_condition, parse_expression
from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.execution.extremes import Extremes, extremes_of, value_bounds

NOTHING_PLEASES = Extremes(1.0, 0.0)
NAMES = ("A", "B", "C")


def campaign(*constraints: str, step: str = "0.1", least: str = "0.1") -> CampaignSpec:
    tables = "".join(f'[[constraint]]\nexpression = "{text}"\n' for text in constraints)
    return campaign_from_text(
        f"""
        [campaign]
        name = "simplex"
        [space.composition]
        components = ["A", "B", "C"]
        step = {step}
        min_active_fraction = {least}
        [[space.parameter]]
        name = "t_c"
        kind = "range"
        low = 20
        high = 95
        step = 10
        [[objective]]
        name = "y"
        direction = "maximise"
        """
        + tables,
        file="simplex.toml",
    )


def feasible_points(spec: CampaignSpec) -> list[dict[str, Fraction]]:
    points = []
    for a, b, t in product(range(11), range(11), range(8)):
        counts = (a, b, 10 - a - b)
        if counts[2] < 0 or any(0 < n < 2 for n in counts):
            continue
        point = {name: Fraction(n, 10) for name, n in zip(NAMES, counts, strict=True)}
        point["t_c"] = Fraction(20 + 10 * t)
        if all(condition.holds(point) for condition in spec.conditions):
            points.append(point)
    return points


def test_bounds_are_those_of_the_space() -> None:
    bounds = value_bounds(campaign().space)

    assert bounds == {
        **dict.fromkeys(NAMES, (Fraction(0), Fraction(1))),
        "t_c": (Fraction(20), Fraction(90)),
    }


def test_a_component_that_is_present_is_present_enough() -> None:
    bounds = value_bounds(campaign(least="0.2").space, parse_condition("A > 0"))

    assert bounds is not None
    assert bounds["A"] == (Fraction(1, 5), Fraction(1))


def test_a_condition_that_never_holds_has_no_bounds() -> None:
    assert value_bounds(campaign().space, parse_condition("t_c > 100")) is None


@pytest.mark.slow
@settings(max_examples=40)
@given(
    a=st.integers(-5, 5),
    b=st.integers(-5, 5),
    t=st.integers(-2, 2),
    constraint=st.sampled_from(["A + B <= 0.5", "2*A - B >= -0.3", "A <= 0.4 and C >= 0.2"]),
    when=st.sampled_from(["A > 0", "B >= 0.35", "t_c < 50", "A + t_c / 100 <= 0.9"]),
)
def test_no_feasible_point_lies_outside(a: int, b: int, t: int, constraint: str, when: str) -> None:
    spec = campaign(constraint, least="0.2")
    expression = parse_expression(f"{a}*A + {b}*B + {t}*t_c + 1")
    condition = parse_condition(when)
    form = expression.linear_form()
    assert form is not None

    found = extremes_of(form, spec, condition, NOTHING_PLEASES)

    values = [
        float(expression.evaluate(point))
        for point in feasible_points(spec)
        if condition.holds(point)
    ]
    assert found is not None
    assert found.low <= min(values) + 1e-6
    assert found.high >= max(values) - 1e-6


def test_extremes_are_reached_where_the_corners_are_on_the_grid() -> None:
    spec = campaign("A + B <= 0.5")
    form = parse_expression("2000*A + 1000*B").linear_form()
    assert form is not None

    found = extremes_of(form, spec, None, NOTHING_PLEASES)

    assert found == Extremes(pytest.approx(0.0), pytest.approx(1000.0))


def test_constraints_that_contradict_a_condition_leave_nothing() -> None:
    form = parse_expression("A").linear_form()
    assert form is not None

    assert (
        extremes_of(
            form, campaign("A + B <= 0.2"), parse_condition("A + B >= 0.5"), NOTHING_PLEASES
        )
        is None
    )
