"""What only a search can tell of a campaign file: refused with the whole reason."""

import pytest

from campaigns.errors import CampaignFileError
from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.searchable import refuse_unsearchable


def campaign(
    composition: str, *constraints: str, planner: str = "botorch", settings: str = ""
) -> CampaignSpec:
    conditions = "\n".join(f"[[constraint]]\nexpression = '{each}'" for each in constraints)
    text = f"""
        [campaign]
        name = "x"
        [planner]
        name = "{planner}"
        settings = {{ {settings} }}
        [space.composition]
        {composition}
        {conditions}
        [[objective]]
        name = "y"
        direction = "maximise"
    """
    return campaign_from_text(text, file="x.toml")


def told(spec: CampaignSpec) -> str:
    with pytest.raises(CampaignFileError) as caught:
        refuse_unsearchable(spec, "x.toml")
    return str(caught.value)


ABC = 'components = ["A", "B", "C"]\nstep = '


def test_a_reason_is_told_whole() -> None:
    text = told(campaign(ABC + "0.1", "A*B >= 0.3"))

    assert text == (
        "x.toml: space: got no feasible point, expected at least one; 'A*B >= 0.3' cannot hold "
        "within the bounds"
    )


@pytest.mark.slow
def test_a_set_that_was_looked_through_is_told_to_be_empty() -> None:
    text = told(campaign(ABC + "0.001", "A*B >= 0.3", "C > 0.1*A"))

    assert text == (
        "x.toml: space: got no feasible point, expected at least one; 'C > 0.1*A' and "
        "'A*B >= 0.3' cannot hold together within the bounds; perhaps some of them alone cannot "
        "either"
    )


def test_a_planner_that_refuses_is_named_beside_what_is_infeasible() -> None:
    lines = told(campaign(ABC + "0.1", "A*B >= 0.3", planner="ax")).splitlines()

    assert lines[0].startswith("x.toml: space: got no feasible point")
    assert lines[1].startswith(
        "x.toml: planner: got 'ax', expected a planner that can honour the campaign; "
    )
    assert len(lines) == 2


@pytest.mark.parametrize("planner", ["ax", "botorch", "sobol"])
def test_a_wrong_setting_is_told_under_its_own_key(planner: str) -> None:
    text = told(campaign(ABC + "0.1", planner=planner, settings="colour = 'red'"))

    assert text.startswith("x.toml: planner.settings.colour: got '")


def test_every_wrong_setting_has_its_own_line() -> None:
    wrong = "risk = '0.5', replicates = true, time_budget_s = 0, acquisition = 'log_nie'"

    text = told(campaign(ABC + "0.1", settings=wrong))

    assert [line.split(", expected ")[0] for line in text.splitlines()] == [
        "x.toml: planner.settings.acquisition: got 'log_nie'",
        "x.toml: planner.settings.risk: got '0.5'",
        "x.toml: planner.settings.replicates: got true",
        "x.toml: planner.settings.time_budget_s: got 0",
    ]


def test_settings_that_do_not_suit_the_campaign_are_all_told() -> None:
    unsuitable = "acquisition = 'nparego', replicates = 'when_worth', per = 'hour'"

    text = told(campaign(ABC + "0.1", settings=unsuitable))

    assert text.splitlines() == [
        "x.toml: planner.settings.acquisition: got 'nparego', expected one for a single goal "
        "(automatic, log_ei, log_nei, knowledge_gradient, ucb, thompson)",
        "x.toml: planner.settings.replicates: got 'when_worth', expected 'never' with acquisition "
        "'nparego'; repeats go with automatic, log_ei, log_nei, knowledge_gradient",
        "x.toml: planner.settings.per: got 'hour', expected 'experiment', or "
        "recipe.hours_per_experiment",
    ]


@pytest.mark.parametrize(
    ("composition", "reason"),
    [
        (ABC + "0.00001", "got 0.00001, .*the finest step is 1/10000"),
        (
            f"components = {[f'c{i}' for i in range(118)]}\nstep = 0.0001",
            "got 0.0001, .*118 components in 10000 steps .* smaller max_active",
        ),
    ],
)
def test_a_grid_too_fine_is_refused_before_anything_is_counted(
    composition: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted(spec: CampaignSpec) -> FeasibleSet:
        raise AssertionError(f"{spec.header.name} was counted")

    monkeypatch.setattr(FeasibleSet, "of", counted)

    with pytest.raises(CampaignFileError, match=rf"space\.composition\.step: {reason}"):
        refuse_unsearchable(campaign(composition), "x.toml")


def gated(planner: str) -> CampaignSpec:
    text = f"""
        [campaign]
        name = "x"
        [planner]
        name = "{planner}"
        [space.composition]
        {ABC}0.1
        [[objective]]
        name = "y"
        direction = "maximise"
        [[recipe.job]]
        name = "make"
        instrument = "doser"
        action = "dose"
        [approval]
        gate = "out_of_distribution"
    """
    return campaign_from_text(text, file="x.toml")


@pytest.mark.parametrize("planner", ["sobol", "ax"])
def test_a_gate_needs_a_planner_that_can_say_what_is_far(planner: str) -> None:
    reason = "it cannot say what is out of distribution: choose another approval.gate"

    assert reason in told(gated(planner))


def test_the_default_planner_can_say_what_is_far() -> None:
    refuse_unsearchable(gated("botorch"), "x.toml")
