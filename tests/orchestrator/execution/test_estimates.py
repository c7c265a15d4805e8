"""What the greediest point takes of each stock."""

import pytest

from orchestrator.execution.estimates import worst_stock_use
from tests.support.recipes import RECIPE, compiled, small_campaign


def test_each_stock_is_taken_at_its_own_greediest_point() -> None:
    recipe = compiled(small_campaign(constraints=("x1 <= 0.6",)))

    assert worst_stock_use(recipe) == pytest.approx({"x1": 1.2, "x2": 2.0})


def test_a_binding_that_is_not_linear_has_no_worst_case() -> None:
    crooked = RECIPE.replace('"2000 * {component}"', '"2000 * {component} ** 2"')

    assert worst_stock_use(compiled(small_campaign(crooked))) == {"x1": None, "x2": None}


def test_a_constant_volume_counts_as_it_is() -> None:
    flush = """
[[recipe.job]]
name = "flush"
instrument = "pump_x2"
action = "transfer"
positions = ["vessel"]
arguments = { volume_ul = 500, rate_ul_per_min = 1000 }
"""
    recipe = compiled(
        small_campaign(RECIPE.replace("[[recipe.analysis]]", flush + "[[recipe.analysis]]", 1))
    )

    assert worst_stock_use(recipe) == pytest.approx({"x1": 2.0, "x2": 2.5})
