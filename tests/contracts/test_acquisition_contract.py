"""What every acquisition by name promises."""

from collections.abc import Mapping
from typing import get_args

import pytest

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation
from orchestrator.optimise.planner import (
    Planner,
    Proposal,
    UnsupportedCampaign,
    WrongSettings,
    planner_for,
)
from orchestrator.optimise.planner_settings import AcquisitionName
from tests.support.small_alloy import FEASIBLE, SPACE, STRENGTH

NAMES = get_args(AcquisitionName)
OF_SEVERAL = ("log_nehvi", "nparego")
OF_ONE = ("log_ei", "log_nei", "knowledge_gradient")
OF_IMPROVEMENT = ("automatic", "log_ei", "log_nei", "log_nehvi", "nparego")

DENSITY = '[[objective]]\nname = "density"\ndirection = "minimise"\n'
STRAIN = '[[outcome]]\nname = "strain"\nat_least = 0.4\n'
RECIPE = """
[recipe]
cost_usd_per_experiment = "1 + 1000*Al"
hours_per_experiment = "1 + 1000*Li"
[[recipe.job]]
name = "mix"
instrument = "mixer"
action = "mix"
"""


def campaign_for(name: str, *parts: str, settings: str = "") -> CampaignSpec:
    goals = STRENGTH + (DENSITY if name in OF_SEVERAL else "")
    planner = f'[planner]\nn_initial = 4\n[planner.settings]\nacquisition = "{name}"\n{settings}\n'
    return campaign_from_text(SPACE + goals + "".join(parts) + planner, file="small.toml")


def values_at(point: Mapping[str, float | str]) -> dict[str, float]:
    lithium, copper, heat = (float(point[each]) for each in ("Li", "Cu", "temperature_c"))
    return {
        "strength_mpa": 100 - 200 * (lithium - 0.4) ** 2 + heat / 10,
        "density": 3 + 5 * copper + lithium**2,
        "strain": 1.2 * lithium + 0.5 * copper,
    }


def told(campaign: CampaignSpec, points: list[dict[str, float | str]]) -> list[Observation]:
    return [
        Observation(
            point=point,
            values={k: v for k, v in values_at(point).items() if k in campaign.measured_names},
        )
        for point in points
    ]


def start(planner: Planner, campaign: CampaignSpec, n: int = 6) -> list[Observation]:
    proposal = planner.propose(campaign, [], [], n, 0)
    return told(campaign, [dict(each.point) for each in proposal.candidates])


def keys(proposal: Proposal) -> list[tuple[float | str, ...]]:
    return [tuple(each.point.values()) for each in proposal.candidates]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_points_are_feasible_distinct_new_and_the_same_again(name: str) -> None:
    campaign = campaign_for(name)
    planner = planner_for(campaign)
    observations = start(planner, campaign)
    pending = [FEASIBLE]

    proposal = planner.propose(campaign, observations, pending, 3, 5)
    again = planner_for(campaign).propose(campaign, observations, pending, 3, 5)

    assert proposal == again
    assert len(set(keys(proposal))) == 3
    assert name in {"automatic", proposal.method}
    others = [tuple(each.point.values()) for each in observations]
    for key in keys(proposal):
        assert key not in [*others, tuple(FEASIBLE.values())]
        fractions = [round(10 * float(each)) for each in key[:3]]
        assert sum(fractions) == 10
        assert sum(each > 0 for each in fractions) <= 2
        assert fractions[0] + fractions[1] <= 9


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_is_pending_counts(name: str) -> None:
    campaign = campaign_for(name)
    planner = planner_for(campaign)
    observations = start(planner, campaign)
    batch = planner.propose(campaign, observations, [], 4, 5)
    near = [dict(each.point) for each in batch.candidates]

    after = planner.propose(campaign, observations, near, 1, 5)
    blocked = planner.propose(campaign, observations, near[:1], 3, 5)

    assert keys(after)[0] not in keys(batch)
    assert keys(blocked)[0] != keys(batch)[0]


ODD: dict[str, list[float]] = {
    "constant": [7.0] * 6,
    "two rows": [1.0, 2.0],
    "huge": [1e200, -3e199, 2e200, 5e199, 0.0, 1.5e200],
    "tiny": [1e-200, -3e-199, 2e-200, 5e-199, 0.0, 1.5e-200],
    "an outlier": [1.0, 1.1, 0.9, 1.0, 1.2, 1e9],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ODD)
def test_odd_data_are_borne(name: str, kind: str) -> None:
    campaign = campaign_for(name)
    campaign = campaign.model_copy(
        update={"planner": campaign.planner.model_copy(update={"n_initial": 2})}
    )
    planner = planner_for(campaign)
    values = ODD[kind]
    points = [each.point for each in start(planner, campaign, len(values))]
    observations = [
        Observation(point=point, values=dict.fromkeys(campaign.measured_names, value))
        for point, value in zip(points, values, strict=True)
    ]

    proposal = planner.propose(campaign, observations, [], 2, 0)

    assert len(set(keys(proposal))) == 2
    assert name in {"automatic", proposal.method}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_failures_and_specifications_are_borne(name: str) -> None:
    campaign = campaign_for(name, STRAIN)
    planner = planner_for(campaign)
    observations = start(planner, campaign, 12)
    failed = [
        Observation(point=each.point, is_failed=True)
        for each in observations
        if float(each.point["Al"]) > 0.5
    ]
    observations = [each for each in observations if float(each.point["Al"]) <= 0.5]
    assert failed

    proposal = planner.propose(campaign, [*observations, *failed], [], 3, 0)

    assert len(set(keys(proposal))) == 3
    assert {tuple(each.point.values()) for each in failed}.isdisjoint(keys(proposal))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("per", "dear"), [("dollar", "Al"), ("hour", "Li")])
def test_promises_by_what_they_take_avoid_what_is_dear(name: str, per: str, dear: str) -> None:
    campaign = campaign_for(name, RECIPE, settings=f'per = "{per}"')
    planner = planner_for(campaign)
    observations = start(planner, campaign)

    proposal = planner.propose(campaign, observations, [], 2, 0)

    assert f"by the {per}" in proposal.reason
    assert [float(each.point[dear]) for each in proposal.candidates] == [0.0, 0.0]


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_IMPROVEMENT)
def test_risk_is_borne_and_said(name: str) -> None:
    campaign = campaign_for(name, settings="risk = 0.5")
    planner = planner_for(campaign)

    proposal = planner.propose(campaign, start(planner, campaign), [], 2, 0)

    assert "luckiest 0.5" in proposal.reason
    assert len(set(keys(proposal))) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", [each for each in NAMES if each not in OF_SEVERAL])
@pytest.mark.parametrize("how", ["match", "weighted", "desirability"])
def test_goals_that_are_no_plain_column_are_borne(name: str, how: str) -> None:
    wanted = "[objective.desirability]\nworst = {}\nbest = {}\n"
    text = {
        "match": STRENGTH.replace('"maximise"', '"match"\ntarget = 95\ntolerance = 0.5'),
        "weighted": STRENGTH + DENSITY,
        "desirability": STRENGTH + wanted.format(80, 100) + DENSITY + wanted.format(8, 3),
    }[how]
    trade_off = "front" if how == "match" else how
    head = SPACE.replace('"small"', f'"small"\ntrade_off = "{trade_off}"')
    planner_text = f'[planner]\nn_initial = 4\n[planner.settings]\nacquisition = "{name}"\n'
    campaign = campaign_from_text(head + text + planner_text, file="small.toml")
    planner = planner_for(campaign)

    proposal = planner.propose(campaign, start(planner, campaign), [], 3, 0)

    assert len(set(keys(proposal))) == 3


@pytest.mark.parametrize("name", OF_ONE)
def test_one_that_knows_a_single_goal_refuses_several(name: str) -> None:
    with pytest.raises(UnsupportedCampaign, match=f"settings.acquisition: got '{name}'"):
        planner_for(campaign_for(name, DENSITY))


@pytest.mark.parametrize("name", OF_SEVERAL)
def test_one_that_weighs_several_goals_refuses_a_single_one(name: str) -> None:
    campaign = campaign_for(name)
    campaign = campaign.model_copy(update={"objectives": campaign.objectives[:1]})

    with pytest.raises(UnsupportedCampaign, match=f"settings.acquisition: got '{name}'"):
        planner_for(campaign)


@pytest.mark.parametrize("name", [each for each in NAMES if each != "automatic"])
def test_nothing_measured_is_refused(name: str) -> None:
    goal = '[computed]\nmass = "7*Li + 27*Al"\n' + STRENGTH.replace("strength_mpa", "mass")
    planner = f'[planner]\n[planner.settings]\nacquisition = "{name}"\n'
    campaign = campaign_from_text(SPACE + goal + planner, file="small.toml")

    with pytest.raises(UnsupportedCampaign, match="nothing is measured"):
        planner_for(campaign)


@pytest.mark.parametrize("name", [each for each in NAMES if each not in OF_IMPROVEMENT])
def test_risk_without_improvement_is_refused(name: str) -> None:
    with pytest.raises(UnsupportedCampaign, match="settings.risk: got 0.5"):
        planner_for(campaign_for(name, settings="risk = 0.5"))


@pytest.mark.parametrize(
    ("per", "expected"), [("hour", "hours_per_experiment"), ("dollar", "cost_usd_per_experiment")]
)
def test_what_an_experiment_takes_must_be_said(per: str, expected: str) -> None:
    with pytest.raises(UnsupportedCampaign, match=expected):
        planner_for(campaign_for("automatic", settings=f'per = "{per}"'))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"acquisition": "entropy"}, "acquisition"),
        ({"per": "kilogram"}, "per"),
        ({"risk": 1.5}, "risk"),
        ({"risk": -0.1}, "risk"),
        ({"risk": "0.5"}, "risk"),
        ({"risk": True}, "risk"),
        ({"time_budget_s": True}, "time_budget_s"),
    ],
)
def test_impossible_settings_are_refused_by_name(settings: dict[str, object], message: str) -> None:
    kind = type(planner_for(campaign_for("automatic")))

    with pytest.raises(WrongSettings, match=f"^{message}: "):
        kind.from_settings(settings)


@pytest.mark.parametrize("name", [each for each in NAMES if each not in ("automatic", *OF_ONE)])
def test_repeats_without_a_maximum_to_confirm_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedCampaign, match="settings.replicates: got 'when_worth'"):
        planner_for(campaign_for(name, settings='replicates = "when_worth"'))
