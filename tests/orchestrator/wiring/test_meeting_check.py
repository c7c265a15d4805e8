import pytest

from orchestrator.errors import RecipeError
from orchestrator.execution.forbidden_pairs import meeting_of
from orchestrator.execution.rig import rig_from_text
from orchestrator.wiring.meeting_check import refuse_meetings
from tests.support.benches import SMALL_RIG
from tests.support.recipes import RECIPE, compiled, small_campaign

RULE = '[[never_together]]\nstock = ["x1", "x2"]\nreason = "they gel"\n'
OVER_WASTE = """
[positions.waste]
capacity_ml = 900.0
[positions.other]
capacity_ml = 20.0
[instruments.pump_waste]
driver = "new_era_ne1000"
line = "pumps"
draws_from = "vessel"
delivers_to = "waste"
settings = { address = 3, syringe_diameter_mm = 14.57, syringe_volume_ml = 10.0 }
"""
DRAIN = """
[[recipe.job]]
name = "drain"
instrument = "pump_waste"
action = "transfer"
positions = ["vessel"]
arguments = { volume_ul = 2600, rate_ul_per_min = 2000 }
"""


def test_a_recipe_that_lets_two_stocks_meet_is_refused_with_a_point() -> None:
    rig = rig_from_text(SMALL_RIG + RULE, file="rig")

    with pytest.raises(RecipeError) as caught:
        refuse_meetings(compiled(small_campaign(), rig), "small.toml")

    assert "x1 and x2 would meet in vessel (they gel) at x1 = 0." in str(caught.value)
    assert "a constraint that keeps them apart" in str(caught.value)


def test_a_constraint_that_keeps_them_apart_is_enough() -> None:
    rig = rig_from_text(SMALL_RIG + RULE, file="rig")
    apart = small_campaign(constraints=("x1 == 0 or x2 == 0",))

    refuse_meetings(compiled(apart, rig), "small.toml")


def test_they_are_followed_from_vessel_to_vessel() -> None:
    elsewhere = SMALL_RIG.replace(
        'draws_from = "x2"\ndelivers_to = "vessel"', 'draws_from = "x2"\ndelivers_to = "waste"'
    )
    rig = rig_from_text(elsewhere + OVER_WASTE + RULE, file="rig")
    kept_apart = RECIPE.replace('positions = ["vessel"]', 'positions = ["vessel", "other"]')

    refuse_meetings(compiled(small_campaign(kept_apart), rig), "small.toml")
    with pytest.raises(RecipeError, match="would meet in waste"):
        refuse_meetings(compiled(small_campaign(kept_apart + DRAIN), rig), "small.toml")


def test_at_a_point_only_what_is_drawn_there_meets() -> None:
    rig = rig_from_text(SMALL_RIG + RULE, file="rig")
    recipe = compiled(small_campaign(), rig)
    point = {"x1": 0.3, "x2": 0.7, "rate_ul_per_min": 1000.0, "wait_s": 1.0, "gas": "air"}

    meeting = meeting_of(recipe.jobs_for(point, "E0001"), rig)

    assert meeting is not None
    assert meeting.jobs == ("dispense_x1", "dispense_x2")
    assert recipe.meeting_at({**point, "x1": 0.0, "x2": 1.0}) is None
