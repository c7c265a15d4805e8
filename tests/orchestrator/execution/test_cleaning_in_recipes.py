import pytest

from campaigns.errors import CampaignFileError
from orchestrator.core.contamination import ContaminationRule
from orchestrator.errors import RecipeError, RigFileError
from orchestrator.execution.rig import rig_from_text
from orchestrator.execution.rig_spec import RigSpec
from tests.support.benches import SMALL_RIG, small_rig
from tests.support.recipes import ANALYSES, DOSE, RECIPE, SWEEP, TARE, compiled, small_campaign

POINT = {"x1": 0.3, "x2": 0.7, "rate_ul_per_min": 1000.0, "wait_s": 1.0, "gas": "air"}
RINSE = """
[[recipe.job]]
name = "rinse"
instrument = "pump_x1"
action = "transfer"
positions = ["vessel"]
arguments = { volume_ul = 500, rate_ul_per_min = 1000 }
cleans = "vessel"
"""
RULES = """
[[contamination]]
of = ["x2"]
places = ["vessel"]
above = 0.05
"""


def _rig(rules: str = RULES) -> RigSpec:
    return rig_from_text(SMALL_RIG + rules, file="rig")


def test_a_cleaning_job_says_what_it_cleans_and_what_it_draws() -> None:
    jobs = compiled(small_campaign(RINSE + RECIPE), _rig()).jobs_for(POINT, "E0001")

    assert [job.cleans for job in jobs[:2]] == ["vessel", ""]
    assert jobs[1].after == ("rinse",)
    assert jobs[0].draws == {"x1": 500_000}


def test_a_rig_says_what_spoils_what() -> None:
    (rule,) = _rig().contamination_rules

    assert rule == ContaminationRule(of=("x2",), places=("vessel",), above=0.05)
    assert small_rig().contamination_rules == ()


def test_a_rig_without_rules_keeps_its_fingerprint() -> None:
    plain = rig_from_text(SMALL_RIG, file="rig").fingerprint()

    assert rig_from_text("contamination = []\n" + SMALL_RIG, file="rig").fingerprint() == plain
    assert _rig().fingerprint() != plain


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('"vessel"]', '"vesel"]'), "contamination[0].places: got 'vesel', expected one of vessel"),
        (('["x2"]', '["x2", "x2"]'), "contamination[0].of: got 'x2', expected each name once"),
        (('["x2"]', "[]"), "contamination[0].of: got [], expected at least one entry"),
        (("0.05", "1.0"), "contamination[0].above: got 1.0, expected less than 1"),
        (("above", "over"), "contamination[0].over: got 'over', expected one of above, of, places"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(change: tuple[str, str], expected: str) -> None:
    with pytest.raises(RigFileError) as caught:
        _rig(RULES.replace(*change))

    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            ('cleans = "vessel"', 'cleans = "sink"'),
            "recipe.job[0] (rinse).cleans: got 'sink', expected one of its positions",
        ),
        (
            ('cleans = "vessel"', 'cleans = "vessel"\ncleanup = true'),
            "recipe.job[0] (rinse).cleans: got 'vessel', expected no such key: a cleanup job",
        ),
        (
            ('cleans = "vessel"', 'cleans = "vessel"\nwhen = "x1 > 0"'),
            "recipe.job[0] (rinse).when: got 'x1 > 0', expected no such key",
        ),
        (
            ('cleans = "vessel"', 'cleans = "{component}"'),
            "recipe.job[0] (rinse).cleans: got '{component}', expected no {component}",
        ),
    ],
)
def test_a_cleaning_that_contradicts_itself_is_refused(
    change: tuple[str, str], expected: str
) -> None:
    with pytest.raises(CampaignFileError) as caught:
        small_campaign(RINSE.replace(*change) + RECIPE)

    assert expected in str(caught.value)


def _refusal(recipe: str, rig: RigSpec | None = None) -> str:
    with pytest.raises(RecipeError) as caught:
        compiled(small_campaign(recipe), rig)
    return str(caught.value)


def test_a_cleaning_comes_before_whatever_uses_the_place() -> None:
    said = _refusal(TARE + RINSE + DOSE + SWEEP + ANALYSES)

    assert (
        "recipe.job[1] (rinse).cleans: got 'vessel, which tare uses', expected a job that" in said
    )


def test_a_place_that_nothing_uses_later_is_not_cleaned() -> None:
    shelf = small_rig().positions["vessel"]
    rig = small_rig().model_copy(update={"positions": {"vessel": shelf, "cell": shelf}})
    rinse = RINSE.replace('"vessel"', '"cell"')

    said = _refusal(rinse + RECIPE, rig)

    assert "recipe.job[0] (rinse).cleans: got 'cell', expected a position that a later job" in said
    assert "got 'cell, with tare after it', expected only jobs right after it that use cell" in said


def test_a_place_with_slots_is_not_cleaned() -> None:
    rack = small_rig().positions["vessel"].model_copy(update={"slots": 4})
    rig = small_rig().model_copy(update={"positions": {"vessel": rack}})

    assert "got 'vessel', expected a position with one slot" in _refusal(RINSE + RECIPE, rig)


def test_a_rule_about_something_that_nobody_is_made_of_is_refused() -> None:
    said = _refusal(RINSE + RECIPE, _rig(RULES.replace('"x2"', '"x3"')))

    assert "contamination[0].of: got 'x3', expected one of x1, x2" in said
    assert compiled(small_campaign(RECIPE), _rig(RULES.replace('"x2"', '"x3"')))
    assert compiled(small_campaign(RINSE + RECIPE), _rig(RULES.replace('"x2"', '"Pb"')))
