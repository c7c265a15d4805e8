"""Bounds in steps are exact, and a composition is refused only if none exists."""

import itertools
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from campaigns.space import CategoricalParameter, Composition, DiscreteParameter, RangeParameter

properties = settings(max_examples=60, deadline=None)
steps = st.sampled_from(["0.5", "0.25", "0.2", "0.1", "0.05"])
bounds = st.lists(st.decimals(0, 1, places=3), min_size=2, max_size=2).map(sorted)


@pytest.mark.slow
@properties
@given(steps, bounds)
def test_count_bounds_are_exactly_the_fractions_within(step: str, ends: list[Decimal]) -> None:
    n_steps = int(1 / Fraction(step))
    within = [k for k in range(n_steps + 1) if ends[0] <= k * Decimal(step) <= ends[1]]
    document = {"elements": ["Al", "Cu", "Li"], "step": Decimal(step), "bounds": {"Al": ends}}

    try:
        composition = Composition.model_validate(document)
    except ValidationError:
        assert not within or max(within) == 0 or len(within) == 0
    else:
        assert composition.n_steps == n_steps
        assert composition.count_bounds[0] == (min(within), max(within))


@pytest.mark.slow
@properties
@given(
    steps,
    st.lists(bounds, min_size=2, max_size=4),
    st.integers(1, 4),
    st.sampled_from(["0", "0.1", "0.15", "0.3"]),
)
def test_a_composition_is_refused_only_if_no_fractions_sum_to_one(
    step: str, ends: list[list[Decimal]], max_active: int, least: str
) -> None:
    names = ["Al", "Cu", "Li", "Mg"][: len(ends)]
    max_active = min(max_active, len(names))
    document = {
        "elements": names,
        "step": Decimal(step),
        "max_active": max_active,
        "min_active_fraction": Decimal(least),
        "bounds": dict(zip(names, ends, strict=True)),
    }

    try:
        Composition.model_validate(document)
    except ValidationError:
        assert not _exists(step, ends, max_active, Decimal(least))
    else:
        assert _exists(step, ends, max_active, Decimal(least))


def _exists(step: str, ends: list[list[Decimal]], max_active: int, least: Decimal) -> bool:
    """Try every composition on the grid."""
    n_steps = int(1 / Fraction(step))
    choices = []
    for low, high in ends:
        fractions = [k * Decimal(step) for k in range(n_steps + 1)]
        choices.append([f for f in fractions if low <= f <= high and (f == 0 or f >= least)])
    return any(
        sum(point) == 1 and sum(f > 0 for f in point) <= max_active
        for point in itertools.product(*choices)
    )


def test_defaults_are_those_of_the_contract() -> None:
    composition = Composition.model_validate({"components": ["x1", "x2"], "step": Decimal("0.05")})

    assert (composition.max_active, composition.min_active_fraction) == (2, Decimal("0.05"))
    assert (composition.min_active_count, composition.n_steps) == (1, 20)
    assert composition.count_bounds == ((0, 20), (0, 20))


def test_a_component_that_cannot_be_present_may_still_be_absent() -> None:
    document = {
        "components": ["A", "B", "C"],
        "step": Decimal("0.1"),
        "min_active_fraction": Decimal("0.5"),
        "bounds": {"A": [0, Decimal("0.3")]},
    }

    composition = Composition.model_validate(document)

    assert composition.count_bounds == ((0, 0), (0, 10), (0, 10))
    with pytest.raises(ValidationError, match="the least if present"):
        Composition.model_validate(document | {"bounds": {"A": [Decimal("0.1"), Decimal("0.3")]}})


def test_the_least_present_fraction_is_rounded_up_to_the_grid() -> None:
    document = {"elements": ["Al", "Cu"], "step": Decimal("0.1")}
    composition = Composition.model_validate(document | {"min_active_fraction": Decimal("0.11")})

    assert composition.min_active_count == 2


@pytest.mark.parametrize(
    ("low", "high", "step", "expected"),
    [
        (120, 135, 5, ["120", "125", "130", "135"]),
        (0, Decimal("0.3"), Decimal("0.1"), ["0", "0.1", "0.2", "0.3"]),
        (0, 1, Decimal("0.4"), ["0", "0.4", "0.8"]),
        (7, 7, 1, ["7"]),
        (-1, 1, 1, ["-1", "0", "1"]),
        (Decimal("1e20"), Decimal("1e20"), Decimal("1e-20"), ["1e20"]),
    ],
)
def test_levels_of_a_range_are_exact_and_do_not_pass_its_end(
    low: Decimal, high: Decimal, step: Decimal, expected: list[str]
) -> None:
    document = {"name": "x", "kind": "range", "low": low, "high": high, "step": step}

    levels = RangeParameter.model_validate(document).levels

    assert list(levels) == [Decimal(level) for level in expected]


def test_levels_of_a_discrete_parameter_ascend_and_categories_keep_their_order() -> None:
    discrete = DiscreteParameter.model_validate({"name": "x", "values": [3, Decimal("0.5"), 2]})
    kinds = CategoricalParameter.model_validate({"name": "k", "values": ["wet", "dry"]})

    assert discrete.levels == (Decimal("0.5"), 2, 3)
    assert kinds.levels == ("wet", "dry")


def test_all_118_elements_are_known() -> None:
    from campaigns.space import ELEMENTS

    assert len(ELEMENTS) == 118


@pytest.mark.parametrize("name", ["Uuo", "al", "D", "", "Al "])
def test_what_is_no_element_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="symbol of a chemical element"):
        Composition.model_validate({"elements": ["Cu", name], "step": 1})


def test_a_frozen_section_cannot_be_changed() -> None:
    composition = Composition.model_validate({"components": ["a", "b"], "step": 1})

    with pytest.raises(ValidationError, match="frozen"):
        composition.max_active = 1
