"""Equal instruments: who does the job when one is lost, and what stays where it was begun."""

import random

from orchestrator.core.equals import why_none_usable
from orchestrator.core.events import (
    CandidatesProposed,
    EngineAttached,
    ExperimentStarted,
    InstrumentConnected,
    InstrumentLost,
    InstrumentTakenOut,
    JobFailed,
    JobFinished,
    JobStarted,
)
from orchestrator.core.intents import RunJob
from orchestrator.core.point import Candidate
from tests.support.dice_bench import DiceBench
from tests.support.pretend_campaigns import opening, planned_jobs, small_campaign

EQUAL = {"doser": ("doser_b",), "doser_b": ("doser",)}
LOST = InstrumentLost(instrument="doser", reason="no reply")


def bench_with_experiments(n: int = 1) -> DiceBench:
    """Return a bench with two equal dosers and experiments that dose first."""
    spec = small_campaign(in_flight=n, max_experiments=9)
    bench = DiceBench(spec, random.Random(0), trouble=0.0)
    opened = opening(spec).model_copy(update={"equal_instruments": EQUAL})
    bench.append(opened, EngineAttached(epoch=1))
    candidate = Candidate(point={"a": 0.5, "b": 0.5})
    bench.append(
        CandidatesProposed(
            proposal=1,
            planner="dice",
            method="dice",
            reason="",
            n_observations=0,
            candidates=(candidate,) * n,
        )
    )
    for number in range(1, n + 1):
        name = f"E{number:04d}"
        dose = planned_jobs(name)[1].model_copy(update={"after": (), "positions": ()})
        again = dose.model_copy(
            update={"job_id": f"{name}/again", "name": "again", "after": ("dose",)}
        )
        bench.append(
            ExperimentStarted(
                experiment_id=name,
                number=number,
                candidate=candidate,
                jobs=(dose, again),
                cost_usd=0,
            )
        )
    return bench


def test_the_planned_instrument_does_it_while_it_can():
    assert bench_with_experiments().intents() == (RunJob("E0001", "dose"),)


def test_an_equal_one_does_what_a_lost_one_cannot():
    bench = bench_with_experiments()
    bench.append_in_lab(LOST)

    assert bench.intents() == (RunJob("E0001", "dose", "doser_b"),)


def test_two_samples_use_two_equal_instruments_at_once():
    bench = bench_with_experiments(2)

    assert bench.intents() == (RunJob("E0001", "dose"), RunJob("E0002", "dose", "doser_b"))


def test_an_experiment_ends_on_the_instrument_on_which_it_began():
    bench = bench_with_experiments()
    bench.append(JobStarted(job_id="E0001/dose", attempt=1, epoch=1, instrument="doser_b"))
    bench.append(JobFinished(job_id="E0001/dose"))

    assert bench.state().open_experiments["E0001"].jobs["dose"].instrument == "doser_b"
    assert bench.intents() == (RunJob("E0001", "again", "doser_b"),)
    bench.append_in_lab(InstrumentTakenOut(instrument="doser_b", reason="leaks"))
    assert not any(isinstance(intent, RunJob) for intent in bench.intents())


def test_a_job_of_which_nothing_was_sent_may_move():
    bench = bench_with_experiments()
    bench.append(JobStarted(job_id="E0001/dose", attempt=1, epoch=1))
    bench.append(JobFailed(job_id="E0001/dose", error="LineError", message="down", has_acted=False))
    bench.append_in_lab(LOST)
    wake = bench.state().open_experiments["E0001"].jobs["dose"].ended_time
    assert wake is not None
    bench.now = bench.now.replace(hour=1)

    assert bench.intents() == (RunJob("E0001", "dose", "doser_b"),)


def test_only_if_none_can_be_used_is_there_a_reason():
    bench = bench_with_experiments()
    bench.append_in_lab(LOST)
    one_left = why_none_usable(bench.state(), bench.lab, "doser")
    bench.append_in_lab(InstrumentLost(instrument="doser_b", reason="unplugged"))

    assert one_left == ""
    reason = why_none_usable(bench.state(), bench.lab, "doser")
    assert "doser is not connected" in reason
    assert "doser_b is not connected" in reason
    bench.append_in_lab(InstrumentConnected(instrument="doser", driver="d", identity="i"))
    assert bench.intents() == (RunJob("E0001", "dose"),)
