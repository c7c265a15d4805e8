"""What every planner found under its entry point promises."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation
from orchestrator.optimise.planner import (
    Planner,
    Proposal,
    WrongSettings,
    planner_for,
    planner_names,
)
from tests.support.small_alloy import FEASIBLE, SPACE, STRENGTH

NAMES = planner_names()
OTHERS = [name for name in NAMES if name != "ax"]

SMALL = SPACE + STRENGTH + '[planner]\nname = "{planner}"\nn_initial = 4\n'


def campaign_for(planner: str, text: str = SMALL) -> CampaignSpec:
    return campaign_from_text(text.replace("{planner}", planner), file="small.toml")


def truth(point: Mapping[str, float | str]) -> float:
    """Return the strength: best at Li 0.4, Cu 0.6, 45.5 C."""
    lithium, heat = float(point["Li"]), float(point["temperature_c"])
    return 100 - 200 * (lithium - 0.4) ** 2 - 100 * float(point["Al"]) ** 2 + heat / 10


def told(points: list[dict[str, float | str]]) -> list[Observation]:
    return [Observation(point=point, values={"strength_mpa": truth(point)}) for point in points]


def start(planner: Planner, campaign: CampaignSpec, seed: int = 0) -> list[Observation]:
    proposal = planner.propose(campaign, [], [], 4, seed)
    return told([candidate.point for candidate in proposal.candidates])


def keys(proposal: Proposal) -> set[tuple[float | str, ...]]:
    return {tuple(candidate.point.values()) for candidate in proposal.candidates}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_candidates_are_distinct_feasible_lattice_points_and_not_pending(name: str) -> None:
    campaign = campaign_for(name)
    planner = planner_for(campaign)
    observations = start(planner, campaign)
    pending = [FEASIBLE]

    proposal = planner.propose(campaign, observations, pending, 3, 0)

    assert len(proposal.candidates) == len(keys(proposal)) == 3
    assert proposal.method
    assert proposal.reason
    for candidate in proposal.candidates:
        counts = [Fraction(float(candidate.point[each])) * 10 for each in ("Li", "Al", "Cu")]
        assert [float(round(count) / Fraction(10)) for count in counts] == [
            candidate.point[each] for each in ("Li", "Al", "Cu")
        ]
        assert sum(round(count) for count in counts) == 10
        assert sum(round(count) > 0 for count in counts) <= 2
        assert round(counts[0]) + round(counts[1]) <= 9
        assert candidate.point["temperature_c"] in (20.0, 45.5)
        assert candidate.point not in pending
        assert candidate.point not in [observation.point for observation in observations]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_same_arguments_give_the_same_proposal(name: str) -> None:
    campaign = campaign_for(name)
    observations = start(planner_for(campaign), campaign)

    first = planner_for(campaign).propose(campaign, observations, [], 2, 3)
    second = planner_for(campaign).propose(campaign, observations, [], 2, 3)

    assert first == second


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_gives_another_initial_design(name: str) -> None:
    campaign = campaign_for(name)
    planner = planner_for(campaign)

    designs = {frozenset(keys(planner.propose(campaign, [], [], 4, seed))) for seed in range(5)}

    assert len(designs) > 1


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_exhaustion_gives_what_is_left_and_then_nothing(name: str) -> None:
    text = SMALL.replace("step = 0.1", "step = 0.5").replace("Li + Al <= 0.9", "Li + Al <= 0.5")
    campaign = campaign_for(name, text)
    planner = planner_for(campaign)

    whole = planner.propose(campaign, [], [], 100, 0)
    points = [candidate.point for candidate in whole.candidates]
    left = planner.propose(campaign, [], points[:-1], 4, 0)
    nothing = planner.propose(campaign, [], points, 1, 0)
    again = planner.propose(campaign, told(points), points[:4], 3, 0)

    assert len(points) == 6
    assert [candidate.point for candidate in left.candidates] == points[-1:]
    assert nothing.candidates == ()
    assert len(again.candidates) == 2
    assert keys(again) == {tuple(point.values()) for point in points[4:]}


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_setting_is_refused_by_name(name: str) -> None:
    kind = type(planner_for(campaign_for(name)))

    with pytest.raises(WrongSettings, match="^colour: got "):
        kind.from_settings({"colour": "red"})


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OTHERS if name != "sobol"])
def test_a_learning_planner_beats_random_choice(name: str) -> None:
    campaign = campaign_for(name)
    planner = planner_for(campaign)
    observations = start(planner, campaign)
    for _ in range(6):
        proposal = planner.propose(campaign, observations, [], 1, 0)
        observations += told([candidate.point for candidate in proposal.candidates])

    best = max(observation.values["strength_mpa"] for observation in observations)
    rng = np.random.default_rng(0)
    every = planner_for(campaign_for("sobol")).propose(campaign, [], [], 1000, 0).candidates
    values = np.array([truth(candidate.point) for candidate in every])
    by_chance = np.mean([rng.choice(values, 10, replace=False).max() for _ in range(500)])

    assert best > by_chance
