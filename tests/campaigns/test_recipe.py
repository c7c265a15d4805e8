"""Recipes are written out component by component, and what is left out leaves no gap."""

from fractions import Fraction

import pytest

from campaigns.errors import CampaignFileError
from campaigns.loading import campaign_from_text
from campaigns.recipe import JobTemplate, expanded
from campaigns.spec import CampaignSpec

HEAD = """
[campaign]
name = "bench"
[space.composition]
components = ["x1", "x2"]
step = 0.1
[[space.parameter]]
name = "wait_s"
kind = "discrete"
values = [1, 2]
[[space.parameter]]
name = "gas"
kind = "categorical"
values = ["N2", "Ar"]
[[objective]]
name = "y"
direction = "minimise"
"""
BENCH = (
    HEAD
    + """
[recipe]
in_flight = 2
cost_usd_per_experiment = "8 + 0.5*x1"
[[recipe.job]]
name = "tare"
instrument = "balance"
action = "tare"
positions = ["vessel"]
[[recipe.job]]
name = "dispense_{component}"
for_each = "component"
when = "{component} > 0"
instrument = "pump_{component}"
action = "transfer"
positions = ["vessel"]
arguments = { volume_ul = "2000 * {component}", rate_ul_per_min = 1500, mode = "'fast'" }
[[recipe.job]]
name = "weigh_{component}"
for_each = "component"
when = "{component} > 0"
instrument = "balance"
action = "measure_mass"
[[recipe.job]]
name = "purge"
instrument = "valve"
action = "purge"
arguments = { gas = "gas", wait_s = "wait_s" }
after = ["tare", "weigh_{component}"]
[[recipe.analysis]]
name = "sum"
[recipe.analysis.settings]
job = "weigh_{component}"
tolerance = 0.1
"""
)


@pytest.fixture(scope="module")
def bench() -> CampaignSpec:
    return campaign_from_text(BENCH, file="bench.toml")


def test_jobs_are_written_out_component_by_component(bench: CampaignSpec) -> None:
    assert bench.recipe is not None

    jobs = bench.recipe.jobs_for(bench.space.components)

    assert [(job.name, job.instrument, job.after) for job in jobs] == [
        ("tare", "balance", ()),
        ("dispense_x1", "pump_x1", ("tare",)),
        ("weigh_x1", "balance", ("dispense_x1",)),
        ("dispense_x2", "pump_x2", ("weigh_x1",)),
        ("weigh_x2", "balance", ("dispense_x2",)),
        ("purge", "valve", ("tare", "weigh_x1", "weigh_x2")),
    ]
    assert jobs[1].arguments["mode"] == "fast"
    assert jobs[1].arguments["volume_ul"].evaluate({"x1": Fraction(1, 10)}) == 200
    assert jobs[5].arguments["gas"].lone_name == "gas"


def test_what_follows_a_job_left_out_follows_what_that_awaited(bench: CampaignSpec) -> None:
    assert bench.recipe is not None
    point = {"x1": Fraction(0), "x2": Fraction(1), "wait_s": Fraction(1), "gas": "Ar"}

    jobs = bench.recipe.jobs_at(bench.space.components, point)

    assert [(job.name, job.after) for job in jobs] == [
        ("tare", ()),
        ("dispense_x2", ("tare",)),
        ("weigh_x2", ("dispense_x2",)),
        ("purge", ("tare", "weigh_x2")),
    ]


def test_the_cost_is_an_expression_over_the_point(bench: CampaignSpec) -> None:
    assert bench.recipe is not None

    assert bench.recipe.cost_usd_per_experiment.evaluate({"x1": 0.5}) == 8.25
    assert bench.recipe.in_flight == 2


def test_a_recipe_survives_the_canonical_text(bench: CampaignSpec) -> None:
    assert CampaignSpec.from_canonical_text(bench.canonical_text()) == bench


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("in_flight = 2", "in_flight = 0", "recipe.in_flight: got 0, expected at least 1"),
        ('"8 + 0.5*x1"', '"8 + gas"', "recipe.cost_usd_per_experiment: got '8 + gas'"),
        ('wait_s = "wait_s"', 'wait_s = "wait"', "(purge).arguments.wait_s: got 'wait'"),
        ('wait_s = "wait_s"', 'wait_s = "2*gas"', "gas is a category"),
        ('after = ["tare", ', 'after = ["tara", ', "(purge).after: got 'tara', expected one of"),
        ('name = "purge"', 'name = "tare"', "recipe.job[0] (tare).name: got 'tare'"),
        ('"{component} > 0"\ninstrument = "balance"', '"{component}"\ninstrument = "b"', ".when:"),
        (
            "[recipe.analysis.settings]\njob",
            "[recipe.analysis.settings]\nat = nan\njob",
            "settings",
        ),
    ],
)
def test_a_mistake_in_a_recipe_is_named(old: str, new: str, expected: str) -> None:
    assert old in BENCH

    with pytest.raises(CampaignFileError) as caught:
        campaign_from_text(BENCH.replace(old, new, 1), file="bench.toml")

    assert expected in str(caught.value)


def test_one_copy_per_component_needs_a_composition() -> None:
    start, end = BENCH.index("[space.composition]"), BENCH.index("[[space.parameter]]")

    with pytest.raises(CampaignFileError, match="no for_each without a composition"):
        campaign_from_text(BENCH[:start] + BENCH[end:], file="bench.toml")


def test_a_job_says_what_its_failures_mean() -> None:
    job = JobTemplate(
        name="press",
        instrument="press",
        action="press",
        on_failure="hold",
        max_attempts=2,
        failure_means="synthesis",
    )

    (one,) = expanded({0: job}, ())

    assert (one.on_failure, one.max_attempts, one.failure_means) == ("hold", 2, "synthesis")


def test_a_job_that_says_nothing_fails_its_sample() -> None:
    (one,) = expanded({0: JobTemplate(name="a", instrument="b", action="c")}, ())

    assert (one.on_failure, one.max_attempts, one.failure_means) == ("fail_sample", 3, "instrument")
