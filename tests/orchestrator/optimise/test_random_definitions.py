"""The judge of random definitions judges: it believes true refusals and no others."""

import pytest

from tests.benchmarks.random_definitions import outcome
from tests.support.random_definitions import Definition, random_definition
from tests.support.refusals import verdict


def first(has_witness: bool, max_rules: int) -> Definition:
    """Return the first random definition of a kind."""
    return next(
        definition
        for definition in map(random_definition, range(400))
        if definition.has_witness == has_witness
        and 0 < len(definition.rules) <= max_rules
        and definition.rules[0].factors is not None
    )


def test_a_refusal_of_what_has_a_point_is_false() -> None:
    definition = first(has_witness=True, max_rules=3)

    reason = f"{definition.rules[0].text!r} cannot hold within the bounds"

    assert verdict(definition, reason) == "false"


def test_a_refusal_that_names_what_holds_somewhere_is_false() -> None:
    definition = first(has_witness=False, max_rules=8)
    met = next(rule for rule in definition.rules if rule.holds(definition.witness))

    assert verdict(definition, f"{met.text!r} cannot hold within the bounds") == "false"
    assert verdict(definition, "something else") == "false"


def test_a_failed_search_leaves_the_matter_open() -> None:
    definition = first(has_witness=False, max_rules=8)

    assert verdict(definition, "a failed search, not a proof") == "open"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 2, 5, 9])
def test_asks_and_refusals_of_random_definitions_are_right(seed: int) -> None:
    found = outcome("start", seed)

    assert found.wrong == ()
    assert found.refusal in ("", "true")
