"""A recipe becomes jobs at a point, and one that does not fit its rig is refused whole."""

import pytest

from orchestrator.errors import RecipeError
from orchestrator.execution.rig import rig_from_text
from tests.support.benches import SMALL_RIG, small_rig
from tests.support.recipes import ANALYSES, DOSE, RECIPE, SWEEP, TARE, compiled, small_campaign

POINT = {"x1": 0.3, "x2": 0.7, "rate_ul_per_min": 1000.0, "wait_s": 10.0, "gas": "argon"}
PURE_X2 = {**POINT, "x1": 0.0, "x2": 1.0}


def refusal(recipe: str, *, constraints: tuple[str, ...] = (), rig: str = SMALL_RIG) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        compiled(small_campaign(recipe, constraints=constraints), rig_from_text(rig, file="r"))
    return [line.removeprefix("small.toml: ") for line in str(caught.value).splitlines()]


def test_everything_is_bound_at_a_point() -> None:
    jobs = compiled(small_campaign()).jobs_for(POINT, "E0007")

    assert [job.name for job in jobs] == [
        "tare",
        "dispense_x1",
        "weigh_x1",
        "dispense_x2",
        "weigh_x2",
        "sweep",
    ]
    dose = jobs[1]
    assert dose.job_id == "E0007/dispense_x1"
    assert dose.arguments == {"volume_ul": 600.0, "rate_ul_per_min": 1000.0}
    assert (dose.after, dose.positions, dose.recovery) == (("tare",), ("vessel",), "queryable")
    assert dose.expected_s == pytest.approx(2 * 36.0, rel=0.2)
    assert jobs[5].arguments["n_points"] == 25
    assert isinstance(jobs[5].arguments["n_points"], int)
    assert jobs[5].arguments["dwell_s"] == 10.0


def test_an_absent_component_is_not_dosed_and_what_followed_it_moves_up() -> None:
    jobs = compiled(small_campaign()).jobs_for(PURE_X2, "E0001")

    assert [job.name for job in jobs] == ["tare", "dispense_x2", "weigh_x2", "sweep"]
    assert jobs[1].after == ("tare",)


def test_the_price_is_what_the_recipe_says_and_the_stock_that_is_used() -> None:
    recipe = compiled(small_campaign())

    assert recipe.stock_use(POINT) == pytest.approx({"x1": 0.6, "x2": 1.4})
    assert recipe.cost_usd(POINT) == pytest.approx(8 + 8 * 0.3 + 2 * 0.7 + 0.6 * 0.2)


def test_an_experiment_lasts_as_long_as_its_jobs_in_a_row() -> None:
    recipe = compiled(small_campaign())
    jobs = recipe.jobs_for(POINT, "E0001")

    assert recipe.expected_s(POINT) == pytest.approx(sum(job.expected_s for job in jobs))


def test_a_value_beyond_an_arguments_limits_is_left_to_the_executor() -> None:
    crooked = RECIPE.replace('"2000 * {component}"', '"2000 * {component} / 0.0000001 ** x2"')
    jobs = compiled(small_campaign(crooked)).jobs_for(PURE_X2, "E0001")

    assert jobs[1].arguments["volume_ul"] == pytest.approx(2e10)
    assert jobs[1].expected_s == 0.0


def test_an_expression_without_value_at_a_point_is_refused() -> None:
    crooked = RECIPE.replace('"2000 * {component}"', '"2000 * {component} / (1 - x2) + 1"')

    with pytest.raises(RecipeError, match="expected expressions that have a value"):
        compiled(small_campaign(crooked)).jobs_for(PURE_X2, "E0001")


def test_every_mistake_of_a_recipe_is_told_at_once() -> None:
    recipe = (
        TARE.replace('"tare"\npos', '"tarre"\npos').replace('"vessel"', '"vesel"')
        + DOSE.replace("pump_{component}", "pomp_{component}")
        + SWEEP.replace("n_points = 25", "n_point = 25")
        + ANALYSES.replace('job = "sweep"', 'job = "swep"')
    )

    lines = refusal(recipe)

    assert lines == [
        "recipe.job[0] (tare).positions: got 'vesel', expected one of vessel"
        " (did you mean 'vessel'?)",
        "recipe.job[0] (tare).action: got 'tarre', expected one of measure_mass,"
        " measure_mass_immediately, tare, zero (did you mean 'tare'?)",
        "recipe.job[1] (dispense_{component}).instrument: got 'pomp_x1', expected one of"
        " balance, pump_x1, pump_x2, source_meter (did you mean 'pump_x1'?)",
        "recipe.job[1] (dispense_{component}).instrument: got 'pomp_x2', expected one of"
        " balance, pump_x1, pump_x2, source_meter (did you mean 'pump_x2'?)",
        "recipe.job[3] (sweep).arguments.n_points: got nothing, expected a value:"
        " measure_current_sweep requires it",
        "recipe.job[3] (sweep).arguments.n_point: got 'n_point', expected one of dwell_s,"
        " n_points, start_ma, stop_ma, voltage_limit_v (did you mean 'n_points'?)",
        "recipe.analysis[1] (overpotential_from_sweep).settings.job: got 'swep', expected one of"
        " dispense_x1, dispense_x2, sweep, tare, weigh_x1, weigh_x2 (did you mean 'sweep'?)",
    ]


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        ('"wait_s"', "a value in ul_per_min; wait_s is in s"),
        ('"x1"', "a value in ul_per_min; x1 is in fraction"),
        ('"100 * wait_s"', "inputs in ul_per_min; wait_s is in s"),
        ('"gas"', "a number"),
        ("\"'fast'\"", "a number"),
        ("1e9", "0.1 to 99000"),
    ],
)
def test_a_slip_of_unit_or_kind_is_refused(binding: str, expected: str) -> None:
    lines = refusal(
        RECIPE.replace('rate_ul_per_min = "rate_ul_per_min"', f"rate_ul_per_min = {binding}")
    )

    assert all(line.endswith(f"expected {expected}") for line in lines)
    assert "recipe.job[1] (dispense_{component}).arguments.rate_ul_per_min: got" in lines[0]


def test_a_value_that_some_point_would_put_beyond_the_limits_is_refused() -> None:
    lines = refusal(RECIPE.replace('"2000 * {component}"', '"20000 * {component}"'))

    assert lines == [
        "recipe.job[1] (dispense_{component}).arguments.volume_ul: got '20000 * x1, which can be"
        " 2000 to 20000', expected 1 to 9999 at every point",
        "recipe.job[1] (dispense_{component}).arguments.volume_ul: got '20000 * x2, which can be"
        " 2000 to 20000', expected 1 to 9999 at every point",
    ]


def test_a_job_without_its_condition_would_ask_for_nothing_and_is_refused() -> None:
    lines = refusal(
        RECIPE.replace('when = "{component} > 0"\ninstrument = "pump', 'instrument = "pump')
    )

    assert lines[0].endswith(
        "got '2000 * x1, which can be 0 to 2000', expected 1 to 9999 at every point"
    )


def test_constraints_count_when_values_are_looked_at() -> None:
    large = RECIPE.replace('"2000 * {component}"', '"15000 * {component}"')
    between = ("x1 >= 0.4", "x1 <= 0.6")

    jobs = compiled(small_campaign(large, constraints=between)).jobs_for(
        {**POINT, "x1": 0.5, "x2": 0.5}, "E0001"
    )

    assert jobs[1].arguments["volume_ul"] == 7500.0


def test_a_measured_name_needs_exactly_one_analysis() -> None:
    none = refusal(RECIPE.replace(ANALYSES, ""))
    two = refusal(RECIPE + ANALYSES)

    assert none == [
        "recipe.analysis: got nothing, expected one analysis that gives overpotential_v"
    ]
    assert two == [
        "recipe.analysis: got 'overpotential_v from 2 analyses',"
        " expected one analysis that gives overpotential_v"
    ]


def test_an_analysis_refuses_its_settings_one_line_each() -> None:
    lines = refusal(
        RECIPE.replace("expected_volume_ml = 2.0", "expected_volume_ml = 0\nvolume = 1")
    )

    assert lines == [
        "recipe.analysis[0] (composition_by_mass).settings.expected_volume_ml: got 0,"
        " expected more than 0",
        "recipe.analysis[0] (composition_by_mass).settings.volume: got 'volume',"
        " expected no such key",
    ]


def test_an_unknown_analysis_is_told_with_the_one_that_was_meant() -> None:
    lines = refusal(RECIPE.replace('"composition_by_mass"', '"composition_by_mas"'))

    assert "(did you mean 'composition_by_mass'?)" in lines[0]


def test_a_composition_is_found_only_from_stock_with_the_components_names() -> None:
    rig = SMALL_RIG.replace("[stock.x2]", "[stock.y2]").replace(
        'draws_from = "x2"', 'draws_from = "y2"'
    )

    assert refusal(RECIPE, rig=rig) == [
        "recipe.analysis[0] (composition_by_mass): got 'component x2 without stock',"
        " expected a stock in the rig file that has the component's name"
    ]


def test_a_campaign_without_recipe_cannot_be_compiled() -> None:
    campaign = small_campaign().model_copy(update={"recipe": None})

    with pytest.raises(RecipeError, match="recipe: got nothing, expected the jobs"):
        compiled(campaign, small_rig())


def test_the_rigs_limits_refuse_a_campaign_that_could_break_them() -> None:
    limited = (
        SMALL_RIG
        + """
[instruments.pump_x1.limits.transfer]
volume_ul = [1, 1500]
rate_ul_per_min = [600, 2000]
[instruments.pump_x2.limits.transfer]
volume_ul = [1, 5000]
"""
    )

    told = refusal(RECIPE, rig=limited)

    assert any("2000 * x1, which can be 200 to 2000" in line for line in told)
    assert any("expected 1 to 1500 at every point" in line for line in told)
    assert any("rate_ul_per_min, which can be 500 to 1500" in line for line in told)
    assert not any("x2" in line for line in told)


def test_limits_that_the_campaign_keeps_refuse_nothing() -> None:
    limited = SMALL_RIG + "[instruments.pump_x1.limits.transfer]\nvolume_ul = [200, 2000]\n"

    compiled(small_campaign(), rig_from_text(limited, file="r"))


def test_what_a_recipe_says_of_failures_stands_at_its_jobs() -> None:
    policy = 'on_failure = "hold"\nmax_attempts = 2\nfailure_means = "synthesis"\n'
    recipe = RECIPE.replace('action = "transfer"', f'action = "transfer"\n{policy}')

    jobs = {job.name: job for job in compiled(small_campaign(recipe)).jobs_for(POINT, "E0001")}

    dose, tare = jobs["dispense_x1"], jobs["tare"]
    assert (dose.on_failure, dose.max_attempts, dose.failure_means) == ("hold", 2, "synthesis")
    assert (tare.on_failure, tare.max_attempts, tare.failure_means) == (
        "fail_sample",
        3,
        "instrument",
    )


def test_a_reading_says_nothing_of_whether_a_sample_can_be_made() -> None:
    recipe = RECIPE.replace(
        'action = "measure_mass"', 'action = "measure_mass"\nfailure_means = "synthesis"'
    )

    assert refusal(recipe) == [
        "recipe.job[2] (weigh_{component}).failure_means: got 'synthesis', expected instrument: "
        "measure_mass only reads, its failure says nothing of the sample"
    ]
