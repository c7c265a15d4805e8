"""A person judges candidates through the service; each refusal says what would be right."""

import pytest

from drivers.clock import SystemClock
from orchestrator.core.events import CampaignStopped, CandidatesProposed, StopRequested
from orchestrator.core.point import Candidate
from orchestrator.errors import RequestRefused
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.approvals import approve, candidate_views, edit, reject
from orchestrator.service.lab import Lab
from tests.support.recorded_campaign import CAMPAIGN_TEXT, RecordedCampaign

RECIPE = '[[recipe.job]]\nname = "make"\ninstrument = "pump_x1"\naction = "transfer"\n'
TEXT = (
    CAMPAIGN_TEXT
    + RECIPE
    + '[[constraint]]\nexpression = "cost_usd_per_mol <= 20"\n[approval]\ngate = "all"\n'
)
POINT = {"Ni": 0.5, "Fe": 0.5, "Co": 0.0, "furnace_c": 300.0}


@pytest.fixture
def recorded():
    recorded = RecordedCampaign(MemoryLog())
    recorded.open(TEXT)
    recorded.append(
        CandidatesProposed(
            proposal=1,
            planner="sobol",
            method="initial_design",
            reason="",
            n_observations=0,
            candidates=(Candidate(point=POINT), Candidate(point=POINT | {"furnace_c": 400.0})),
        )
    )
    return recorded


@pytest.fixture
def lab(recorded):
    return Lab(recorded.log, actor="ada", clock=SystemClock(), source="memory")


def test_the_queue_says_what_waits_and_why(lab):
    first, second = candidate_views(lab.state())

    assert (first.candidate_id, first.point) == ("C0001", POINT)
    assert second.waits_because == "every candidate is looked at"
    assert lab.campaign().status_reason == ("waits for approval: C0001, C0002 (athanor candidates)")


def test_what_is_approved_waits_no_longer(lab):
    state = approve(lab, ["C0002"], reason="")

    assert [one.waits_because == "" for one in candidate_views(state)] == [False, True]


def test_what_is_rejected_is_gone(lab):
    state = reject(lab, ["C0001", "C0002"], reason="no")

    assert candidate_views(state) == ()
    assert len(state.rejected) == 2


def test_an_edited_point_is_approved_with_who_and_why(lab, recorded):
    state = edit(lab, "C0001", {"Ni": 0.6, "Fe": 0.4}, reason="less iron")

    (row, _) = recorded.log.projection("candidate")
    assert candidate_views(state)[0].point == POINT | {"Ni": 0.6, "Fe": 0.4}
    assert (row["state"], row["judged_by"], row["reason"]) == ("edited", "ada", "less iron")
    assert row["proposed"] == POINT


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Ni": 0.6}, "C0001: composition: got 'a sum of 1.1', expected 1"),
        ({"Ni": 0.55, "Fe": 0.45}, "Ni: got 0.55, expected a whole multiple of the step 0.1"),
        ({"Ni": 0.0, "Fe": 0.3, "Co": 0.7}, "constraint: got 'cost_usd_per_mol <= 20'"),
        ({"furnace_c": 310.0}, "furnace_c: got 310.0, expected one of 7 levels"),
        ({"Cu": 0.1}, "Cu: got 'Cu', expected one of Ni, Fe, Co, furnace_c"),
        ({"Ni": "much"}, "Ni: got 'much', expected a number"),
        ({"Ni": 0.5}, "nothing would change"),
    ],
)
def test_an_edited_point_is_judged_like_a_proposed_one(lab, changes, message):
    n_before = lab.last_seq()

    with pytest.raises(RequestRefused) as caught:
        edit(lab, "C0001", changes, reason="x")

    assert message in str(caught.value)
    assert lab.last_seq() == n_before


def test_what_is_not_in_the_queue_is_refused(lab):
    with pytest.raises(RequestRefused, match="C0009: not in the queue .* C0001, C0002"):
        approve(lab, ["C0001", "C0009"], reason="")


def test_nothing_is_approved_twice_and_nothing_rejected_without_a_reason(lab):
    approve(lab, ["C0001"], reason="")

    with pytest.raises(RequestRefused, match="C0001: approved already"):
        approve(lab, ["C0001"], reason="")
    with pytest.raises(RequestRefused, match="--reason"):
        reject(lab, ["C0001"], reason="")


def test_an_ended_campaign_has_nothing_to_judge(lab, recorded):
    recorded.append(StopRequested(), CampaignStopped(reason=""))

    with pytest.raises(RequestRefused, match="has ended"):
        approve(lab, ["C0001"], reason="", campaign_id="small-1")
