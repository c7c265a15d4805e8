"""Making a point again: only where noise is evident, and never a failed or noiseless point."""

import numpy as np
import pytest

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation, Point
from orchestrator.optimise.candidates import Taken
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.planner import Proposal, planner_for
from orchestrator.optimise.repeating import expected_gain

COST = '[computed]\ncost = "3*a"\n[[objective]]\nname = "cost"\ndirection = "minimise"\n'


def campaign(replicates: str = "when_worth", *, step: float = 0.1, more: str = "") -> CampaignSpec:
    text = f"""
    campaign.name = "noisy"
    planner = {{n_initial = 4, settings = {{replicates = "{replicates}"}}}}
    [space.composition]
    components = ["a", "b"]
    step = {step}
    [[objective]]
    name = "y"
    direction = "maximise"
    {more}
    """
    return campaign_from_text(text, file="noisy.toml")


def told(sd: float, *, tops: int = 3) -> list[Observation]:
    """Return rows in tenths, of which the best are level within a noise that is known or not."""
    rng = np.random.default_rng(5)
    found = []
    for count in range(0, 11, 2):
        value = 1.0 if count >= 10 - 2 * tops else 0.0
        point = {"a": count / 10, "b": 1 - count / 10}
        found.append(
            Observation(
                point=point,
                values={"y": value + 0.4 * rng.normal()},
                sds={} if sd < 0 else {"y": sd},
            )
        )
    return found


def proposed(
    spec: CampaignSpec, observations: list[Observation], pending: tuple[Point, ...] = (), n: int = 1
) -> Proposal:
    return planner_for(spec).propose(spec, observations, pending, n, 0)


def keys(points: list[Point]) -> set[float]:
    return {round(float(point["a"]), 6) for point in points}


def repeated(proposal: Proposal, observations: list[Observation]) -> set[float]:
    asked = keys([candidate.point for candidate in proposal.candidates])
    return asked & keys([one.point for one in observations])


def test_a_maximum_that_nothing_changes_gains_nothing():
    assert expected_gain(np.array([0.3, 0.1]), np.zeros(2)) == 0.0


def test_the_gain_of_two_equal_values_is_that_of_half_a_normal_number():
    gain = expected_gain(np.array([0.0, 0.0]), np.array([1.0, 0.0]))

    assert gain == pytest.approx(1 / np.sqrt(2 * np.pi), rel=0.01)


def test_a_gain_counts_only_what_is_changed_differently():
    assert expected_gain(np.array([0.0, -1.0]), np.array([1.0, 1.0])) == pytest.approx(
        0.0, abs=1e-9
    )


def test_failed_and_noiseless_points_are_closed_and_noisy_ones_are_not():
    feasible = FeasibleSet.of(campaign())
    rows = [
        Observation(point={"a": 0.1, "b": 0.9}, values={"y": 1.0}, sds={"y": 0.0}),
        Observation(point={"a": 0.2, "b": 0.8}, is_failed=True),
        Observation(point={"a": 0.3, "b": 0.7}, values={"y": 1.0}, sds={"y": 0.1}),
        Observation(point={"a": 0.4, "b": 0.6}, values={"y": 1.0}),
        Observation(point={"a": 0.5, "b": 0.5}, values={"y": 1.0}),
    ]

    taken = Taken.of(feasible.lattice, rows, [{"a": 0.5, "b": 0.5}])

    assert taken.closed == {(1, 9), (2, 8)}
    assert [row.tolist() for row in taken.repeatable(feasible)] == [[3, 7], [4, 6]]


@pytest.mark.slow
def test_level_noisy_points_are_made_again():
    observations = told(0.4)

    proposal = proposed(campaign(step=0.2), observations[1:], n=3)

    assert repeated(proposal, observations[1:])
    assert "repeats a made point" in proposal.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "sd"),
    [
        (campaign("never"), 0.4),
        (campaign(), -1.0),
        (campaign(), 0.0),
        (campaign(), 0.001),
        (campaign(more=COST), 0.4),
    ],
    ids=["never", "no evidence of noise", "noiseless", "hardly noisy", "two objectives"],
)
def test_no_point_is_made_again_while_new_ones_are_left(spec, sd):
    observations = told(sd)

    proposal = proposed(spec, observations, n=3)

    assert len(proposal.candidates) == 3
    assert not repeated(proposal, observations)


@pytest.mark.slow
def test_neither_failed_nor_pending_points_are_made_again():
    observations = told(0.4)
    failed = [Observation(point=one.point, is_failed=True) for one in observations[3:]]
    pending = tuple(one.point for one in observations[:2])

    proposal = proposed(campaign(), [*observations, *failed], pending, n=5)

    assert repeated(proposal, observations) <= keys([observations[2].point])


@pytest.mark.slow
def test_a_set_whose_points_were_all_made_without_error_is_exhausted():
    spec = campaign(step=0.2)

    proposal = proposed(spec, told(0.0), n=2)

    assert proposal.candidates == ()


@pytest.mark.slow
def test_under_noise_the_model_and_not_a_lucky_reading_says_what_is_best():
    observations = [
        Observation(point={"a": a, "b": round(1 - a, 6)}, values={"y": value}, sds={"y": 0.3})
        for a, value in ((0.0, 0.9), (0.0, 0.0), (0.0, 0.1), (0.2, 0.0), (0.7, 0.7), (0.8, 0.8))
    ]

    proposal = proposed(campaign(), observations)

    assert "the best made point is a = 0.8, b = 0.2" in proposal.reason
    assert "the best reading is 0.9" in proposal.reason


@pytest.mark.slow
def test_a_sample_that_could_not_be_made_is_not_the_best_made_point():
    rows = ((0.0, 0.9, False), (0.0, 0.0, False), (0.2, 0.3, False), (0.7, 0.7, True))
    observations = [
        Observation(
            point={"a": a, "b": round(1 - a, 6)},
            values={"y": value},
            sds={"y": 0.3},
            is_failed=is_failed,
        )
        for a, value, is_failed in (*rows, (0.8, 2.0, True), (1.0, 2.0, True))
    ]

    reason = proposed(campaign(), observations).reason

    assert "the best made point is b = 1 with" in reason
    assert "the best reading is 0.9" in reason


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", COST], ids=["no evidence of noise", "two objectives"])
def test_nothing_is_recommended_where_readings_say_it_themselves(more):
    assert "by the model" not in proposed(campaign(more=more), told(-1.0)).reason
