"""What waits for a person before it is made, and what the campaign does meanwhile."""

import random
from datetime import timedelta

import pytest

from orchestrator.core.approvals import waiting_for_approval, why_wait_for_approval
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.decide import decide
from orchestrator.core.events import (
    CandidateApproved,
    CandidateEdited,
    CandidateRejected,
    CandidatesProposed,
    EngineAttached,
    HoldRequested,
    PauseRequested,
)
from orchestrator.core.intents import AskPlanner, Hold, Pause, StartExperiment
from orchestrator.core.point import Candidate
from tests.support.dice_bench import DiceBench
from tests.support.pretend_campaigns import opening, small_campaign

POINTS = ({"a": 0.5, "b": 0.5}, {"a": 0.2, "b": 0.8}, {"a": 0.9, "b": 0.1})


def bench_with(gate: str, *flags: bool | None, more: str = "") -> DiceBench:
    """Return a bench of a campaign with this gate, and one candidate for each flag in its queue."""
    text = f'{more}\n[approval]\ngate = "{gate}"\n'
    spec = small_campaign(in_flight=2, max_experiments=9, batch=len(flags), more=text)
    bench = DiceBench(spec, random.Random(0), trouble=0.0)
    bench.append(opening(spec), EngineAttached(epoch=1))
    proposed = tuple(
        Candidate(point=point, is_out_of_distribution=flag)
        for point, flag in zip(POINTS, flags, strict=False)
    )
    bench.append(
        CandidatesProposed(
            proposal=1,
            planner="dice",
            method="dice",
            reason="",
            n_observations=0,
            candidates=proposed,
        )
    )
    return bench


@pytest.mark.parametrize(
    ("gate", "waiting"),
    [
        ("off", []),
        ("all", ["C0001", "C0002", "C0003"]),
        ("out_of_distribution", ["C0002"]),
        ("first", ["C0001", "C0002"]),
    ],
)
def test_the_gate_says_which_candidates_wait(gate, waiting):
    n_first = "\nn_first = 2" if gate == "first" else ""
    spec = small_campaign(more=f'[approval]\ngate = "{gate}"{n_first}\n')
    bench = DiceBench(spec, random.Random(0))
    bench.append(opening(spec), EngineAttached(epoch=1))
    bench.append(bench_with("off", None, True, False).events[-1][0])

    assert [one.candidate_id for one in waiting_for_approval(bench.state())] == waiting


def test_a_queue_that_waits_starts_nothing_and_asks_nobody_but_the_person():
    bench = bench_with("all", None)

    decision = decide(bench.state(), bench.lab, bench.now, is_planning=False)

    assert decision.intents == ()
    assert decision.waits_for_person.startswith("C0001 wait for approval")
    assert bench.state().status is CampaignStatus.RUNNING


def test_what_is_approved_goes_past_what_waits():
    bench = bench_with("all", None, None)
    bench.append(CandidateApproved(candidate_id="C0002"))

    assert bench.intents() == (StartExperiment("C0002"),)


def test_a_rejected_candidate_leaves_the_queue_and_is_remembered():
    bench = bench_with("all", None)
    bench.append(CandidateRejected(candidate_id="C0001", reason="no"))

    assert bench.intents() == (AskPlanner(1),)
    assert [one.point for one in bench.state().rejected] == [POINTS[0]]


def test_an_edited_candidate_is_approved():
    bench = bench_with("all", True)
    bench.append(CandidateEdited(candidate_id="C0001", point=POINTS[2], reason="more a"))

    (queued,) = bench.state().queue
    assert (queued.candidate.point, queued.candidate.is_out_of_distribution) == (POINTS[2], None)
    assert why_wait_for_approval(bench.state(), queued) == ""
    assert bench.intents() == (StartExperiment("C0001"),)


def test_a_pause_and_a_hold_do_not_wait_for_the_approval():
    paused, held = bench_with("all", None), bench_with("all", None)
    paused.append(PauseRequested())
    held.append(HoldRequested(reason="lunch"))

    assert paused.intents() == (Pause(),)
    assert held.intents() == (Hold("lunch"),)


def test_nothing_waits_once_the_campaign_has_ended():
    bench = bench_with("all", None, more="max_hours = 0.001")
    *_, (state, _) = _to_the_end(bench)

    assert state.status is CampaignStatus.FINISHED
    assert waiting_for_approval(state) == ()


def _to_the_end(bench: DiceBench):
    bench.now += timedelta(hours=1)
    (finish,) = bench.intents()
    bench._perform(bench.state(), finish)
    return [(bench.state(), ())]
