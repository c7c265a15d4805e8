"""How many candidates are wanted, and when: for free seats, ahead only where it pays."""

import random
from datetime import timedelta

import pytest

from orchestrator.core.asking_ahead import seats_of
from orchestrator.core.events import (
    EngineAttached,
    ExperimentStarted,
    JobFinished,
    JobStarted,
)
from tests.support.dice_bench import DiceBench
from tests.support.pretend_campaigns import START, opening, planned_jobs, small_campaign


def running(n: int, *, in_flight: int) -> DiceBench:
    """Return a bench with experiments that were just started; each takes 50 s by itself."""
    bench = DiceBench(small_campaign(in_flight=in_flight), random.Random(0))
    bench.append(opening(bench.spec), EngineAttached(epoch=1))
    for number in range(1, n + 1):
        proposal = bench.proposal()
        experiment_id = f"E{number:04d}"
        started = ExperimentStarted(
            experiment_id=experiment_id,
            number=number,
            candidate=proposal.candidates[0],
            jobs=planned_jobs(experiment_id),
            cost_usd=0.0,
        )
        bench.append(proposal, started)
    return bench


def seats(bench: DiceBench, planning_s: float, *, after_s: float = 0.0):
    state = bench.state()
    everyone = list(state.open_experiments.values())
    return seats_of(state, everyone, START + timedelta(seconds=after_s), planning_s)


@pytest.mark.parametrize("planning_s", [0.0, 1000.0])
def test_free_seats_are_served_at_once(planning_s):
    found = seats(running(1, in_flight=4), planning_s)

    assert (found.n_free, found.n_wanted, found.look_time) == (3, 3, None)


@pytest.mark.parametrize("planning_s", [0.0, 2.0])
def test_a_quick_planner_waits_for_the_result(planning_s):
    found = seats(running(1, in_flight=1), planning_s)

    assert (found.n_wanted, found.look_time) == (0, None)


def test_a_slow_planner_is_asked_so_that_it_is_ready_when_the_seat_is_free():
    bench = running(1, in_flight=1)

    early = seats(bench, 20.0)
    bench.append(JobStarted(job_id="E0001/tare", attempt=1, epoch=1))
    bench.append(JobFinished(job_id="E0001/tare"))
    bench.append(JobStarted(job_id="E0001/dose", attempt=1, epoch=1))
    begun_s = (bench.state().last_time - START).total_seconds()
    due = seats(bench, 20.0, after_s=begun_s + 10.0)

    assert (early.n_wanted, early.look_time) == (0, START + timedelta(seconds=30))
    assert (due.n_wanted, due.look_time) == (0, START + timedelta(seconds=begun_s + 20.0))
    assert seats(bench, 31.0, after_s=begun_s + 10.0).n_wanted == 1


def test_nobody_is_asked_ahead_while_another_sample_keeps_the_busiest_place_busy():
    bench = running(2, in_flight=2)

    assert seats(bench, 10.0).look_time is None
    assert seats(bench, 20.0).look_time == START + timedelta(seconds=30)
