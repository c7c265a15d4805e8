"""What is far from everything that was made, and that candidates say so."""

import numpy as np
import pytest

from campaigns.loading import campaign_from_text
from orchestrator.core.point import Observation
from orchestrator.optimise.novelty import are_far
from orchestrator.optimise.planner import planner_for

CAMPAIGN = """
[campaign]
name = "far"
[space.composition]
components = ["a", "b"]
step = 0.01
[[objective]]
name = "y"
direction = "maximise"
[planner]
n_initial = 3
batch = 1
"""


def test_within_the_gaps_of_what_was_made_nothing_is_far():
    made = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]])

    assert are_far(np.array([[0.5, 0.5], [0.0, 0.0], [2.0, 2.0]]), made) == [False, False, True]


def test_repeats_make_no_gap_narrower():
    made = np.array([[0.0], [0.0], [0.3]])

    assert are_far(np.array([[0.6], [0.7]]), made) == [False, True]


@pytest.mark.parametrize("made", [np.zeros((0, 2)), np.zeros((1, 2)), np.zeros((4, 2))])
def test_nobody_can_say_before_two_different_points_were_made(made):
    assert are_far(np.ones((1, 2)), made) is None


@pytest.mark.slow
def test_candidates_of_a_model_say_whether_they_are_far():
    spec = campaign_from_text(CAMPAIGN, file="far.toml")
    planner = planner_for(spec)
    observed = [
        Observation(point={"a": a, "b": 1 - a}, values={"y": y})
        for a, y in ((0.05, 0.0), (0.06, 0.5), (0.07, 1.0))
    ]

    before = planner.propose(spec, [], [], 2, 0)
    after = planner.propose(spec, observed, [], 1, 0)

    assert [one.is_out_of_distribution for one in before.candidates] == [None, None]
    assert after.candidates[0].is_out_of_distribution is not None


@pytest.mark.slow
def test_repeats_that_differ_as_made_make_nobody_far():
    spec = campaign_from_text(CAMPAIGN.replace("step = 0.01", "step = 0.1"), file="far.toml")
    observed = [
        Observation(point={"a": a + off, "b": 1 - a - off}, values={"y": a + 10 * off}, sds={})
        for a in (0.2, 0.4, 0.6, 0.8)
        for off in (0.0, 0.005)
    ]
    pending = [{"a": 0.0, "b": 1.0}, {"a": 1.0, "b": 0.0}]

    asked = planner_for(spec).propose(spec, observed, pending, 2, 0)

    assert {round(float(one.point["a"]), 6) for one in asked.candidates} <= {
        0.1,
        0.3,
        0.5,
        0.7,
        0.9,
    }
    assert [one.is_out_of_distribution for one in asked.candidates] == [False, False]
