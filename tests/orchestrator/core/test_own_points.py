"""A person's own point in the queue: what is made before it and after it, and what it counts as."""

import random

import pytest

from orchestrator.core.approvals import waiting_for_approval
from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.decide import decide
from orchestrator.core.events import (
    CampaignStopped,
    CandidateEdited,
    CandidateRejected,
    EngineAttached,
    PauseRequested,
    PointAdded,
    StopRequested,
)
from orchestrator.core.intents import AskPlanner, Pause, StartExperiment
from orchestrator.core.slimming import slimmed
from orchestrator.engine.perform import pending_points
from orchestrator.errors import IllegalTransition
from tests.support.dice_bench import DiceBench
from tests.support.pretend_campaigns import opening, small_campaign

OWN = {"a": 0.3, "b": 0.7}
PROPOSED = {"a": 0.5, "b": 0.5}


def own(number: int = 1, point: dict[str, float] = OWN, person: str = "ada") -> PointAdded:
    return PointAdded(
        candidate_id=f"P{number:04d}", point=dict(point), person=person, reason="a hunch"
    )


def bench_with(*, gate: str = "off", n_proposed: int = 0, max_experiments: int = 9) -> DiceBench:
    spec = small_campaign(
        in_flight=1,
        max_experiments=max_experiments,
        batch=max(1, n_proposed),
        more=f'\n[approval]\ngate = "{gate}"\n' + ("n_first = 1\n" if gate == "first" else ""),
    )
    bench = DiceBench(spec, random.Random(0), trouble=0.0)
    bench.append(opening(spec), EngineAttached(epoch=1))
    if n_proposed:
        bench.append(bench.proposal(n_proposed))
    return bench


def test_it_stands_before_what_was_proposed_and_behind_what_people_added_earlier():
    bench = bench_with(n_proposed=2)

    bench.append(own(1), own(2, {"a": 0.1, "b": 0.9}, "bob"))

    state = bench.state()
    assert [one.candidate_id for one in state.queue] == ["P0001", "P0002", "C0001", "C0002"]
    assert [one.added_by for one in state.queue] == ["ada", "bob", "", ""]
    assert (state.n_added, state.n_candidates) == (2, 2)
    assert bench.intents() == (StartExperiment("P0001"),)


def test_it_starts_while_a_planner_is_waited_for():
    bench = bench_with()
    bench.append(own())

    decision = decide(bench.state(), bench.lab, bench.now, is_planning=True)

    assert decision.intents == (StartExperiment("P0001"),)


@pytest.mark.parametrize("gate", ["off", "all", "first", "out_of_distribution"])
def test_it_waits_for_no_approval_and_takes_no_look_from_what_is_proposed(gate):
    bench = bench_with(gate=gate)
    bench.append(own(), bench.proposal(1))

    waiting = [one.candidate_id for one in waiting_for_approval(bench.state())]

    assert bench.intents() == (StartExperiment("P0001"),)
    assert waiting == (["C0001"] if gate in ("all", "first") else [])


def test_a_pause_does_not_start_it():
    bench = bench_with()
    bench.append(own(), PauseRequested())

    assert bench.intents() == (Pause(),)


def test_the_experiment_knows_whose_point_it_is_and_counts():
    bench = bench_with(max_experiments=1)
    bench.append(own())

    *_, (state, _) = bench.run()

    (made,) = state.experiments
    assert (made.added_by, made.candidate.point) == ("ada", OWN)
    assert (state.n_searched, state.status) == (1, CampaignStatus.FINISHED)


def test_what_stands_beyond_the_limit_is_not_made():
    bench = bench_with(max_experiments=1)
    bench.append(own(), own(2, {"a": 0.1, "b": 0.9}))

    *_, (state, _) = bench.run()

    assert state.status is CampaignStatus.FINISHED
    assert [one.candidate_id for one in state.queue] == ["P0002"]


def test_the_planner_is_told_of_it():
    bench = bench_with(n_proposed=1)
    bench.append(own())

    assert pending_points(bench.state()) == (OWN, PROPOSED)


def test_an_edited_one_stays_the_persons_and_a_rejected_one_is_remembered():
    bench = bench_with()
    bench.append(own(), own(2, {"a": 0.1, "b": 0.9}))
    bench.append(
        CandidateEdited(candidate_id="P0001", point={"a": 0.4, "b": 0.6}, reason="better"),
        CandidateRejected(candidate_id="P0002", reason="no"),
    )

    (left,) = bench.state().queue
    assert (left.added_by, left.candidate.point) == ("ada", {"a": 0.4, "b": 0.6})
    assert [one.point for one in bench.state().rejected] == [{"a": 0.1, "b": 0.9}]


def test_afterwards_the_planner_is_asked():
    bench = bench_with(max_experiments=2)
    bench.append(own())

    intents = [intent for _, decided in bench.run() for intent in decided]

    assert intents.index(StartExperiment("P0001")) < intents.index(AskPlanner(1))
    assert StartExperiment("C0001") in intents


def test_ids_are_counted_and_an_ended_campaign_takes_none():
    bench = bench_with()
    with pytest.raises(IllegalTransition, match="P0002"):
        bench.state().after(own(2), bench.now)
    bench.append(StopRequested(), CampaignStopped(reason=""))

    with pytest.raises(IllegalTransition, match="stopped"):
        bench.state().after(own(1), bench.now)


def test_whose_point_it_was_outlives_the_forgetting_of_jobs():
    bench = bench_with(max_experiments=90)
    bench.append(own())

    *_, (state, _) = bench.run()

    slim = slimmed(state)
    assert slim.experiments[0].jobs == {}
    assert [one.added_by for one in slim.experiments[:2]] == ["ada", ""]


def test_an_equal_proposal_is_another_experiment():
    bench = bench_with()
    bench.append(own(1, PROPOSED), bench.proposal(1))

    (first,) = bench.intents()
    bench._perform(bench.state(), first)

    (left,) = bench.state().queue
    assert (first, left.candidate_id) == (StartExperiment("P0001"), "C0001")
