"""When the engine asks: at once for a free seat, early where the bench would wait for it."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest
from typing_extensions import override

from drivers.clock import Clock
from orchestrator.core.events import CandidatesProposed, ExperimentStarted, ObservationRecorded
from orchestrator.engine.planning import Planning
from orchestrator.log.memory_log import MemoryLog
from orchestrator.optimise.planner import Proposal
from tests.support.dry_runs import DryRun, oer_campaign


class SlowPlanning(Planning):
    """A planner that takes its time, on the campaign's clock."""

    def __init__(self, duration_s: float) -> None:
        super().__init__(None)
        self._duration_s = duration_s

    @override
    async def propose(self, *given: Any, clock: Clock, **more: Any) -> Proposal:
        await clock.sleep(self._duration_s)
        return await super().propose(*given, clock=clock, **more)


def driven(planning_s: float, **more: int) -> DryRun:
    dry_run = DryRun(MemoryLog(), oer_campaign(**more))
    dry_run.open()
    dry_run.drive(planning=SlowPlanning(planning_s))
    return dry_run


def idle_s(dry_run: DryRun) -> float:
    """Return how long the source meter stood idle between its first sweep and its last."""
    sweeps = [one.jobs["sweep"] for one in dry_run.state().experiments]
    begun = [job.started_time for job in sweeps if job.started_time is not None]
    ended = [job.ended_time for job in sweeps if job.ended_time is not None]
    pairs = zip(sorted(begun)[1:], sorted(ended)[:-1], strict=True)
    return sum((later - earlier).total_seconds() for later, earlier in pairs)


def unheard_results(dry_run: DryRun) -> list[int]:
    """Return for each experiment how many results came between its proposal and its start."""
    found: list[int] = []
    heard: dict[str, int] = {}
    n_results = 0
    for event in dry_run.events():
        match event:
            case ObservationRecorded():
                n_results += 1
            case CandidatesProposed():
                heard.update({str(one.point): event.n_observations for one in event.candidates})
            case ExperimentStarted():
                found.append(n_results - heard[str(event.candidate.point)])
    return found


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 4])
def test_no_sample_is_started_without_results_that_came_before_it(batch):
    dry_run = driven(0.0, max_experiments=6, batch=batch)

    assert unheard_results(dry_run) == [0] * 6


@pytest.mark.slow
def test_one_sample_that_ends_is_replaced_at_once_while_the_others_go_on():
    dry_run = driven(0.0, max_experiments=8, batch=4, in_flight=4)

    proposals = [e for e in dry_run.events() if isinstance(e, CandidatesProposed)]

    assert [len(each.candidates) for each in proposals] == [4, 1, 1, 1, 1]
    assert [each.n_observations for each in proposals] == [0, 1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize("planning_s", [5.0, 300.0])
def test_with_two_in_flight_a_slow_planner_leaves_the_source_meter_no_idler(planning_s):
    slow, quick = (driven(each, max_experiments=4, batch=4) for each in (planning_s, 0.0))

    assert idle_s(slow) == pytest.approx(idle_s(quick), abs=1.0)
    assert unheard_results(slow) == [0] * 4


@pytest.mark.slow
def test_with_one_in_flight_a_very_slow_planner_is_asked_ahead_of_time():
    slow, quick = (driven(each, max_experiments=4, in_flight=1) for each in (300.0, 0.0))

    assert idle_s(slow) - idle_s(quick) < 0.1 * 3 * 300.0
    assert unheard_results(slow) == [0, 1, 1, 1]


@pytest.mark.slow
def test_with_one_in_flight_a_quick_planner_waits_for_the_result():
    dry_run = driven(20.0, max_experiments=3, in_flight=1)

    assert unheard_results(dry_run) == [0, 0, 0]


def _pool(initializer: Callable[[], object]) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=initializer)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_campaign_whose_planner_was_killed_goes_on_as_if_nothing_had_happened():
    initializers = iter([_die, int])
    planning = Planning(lambda: _pool(next(initializers)))
    killed, spared = (DryRun(MemoryLog(), oer_campaign(max_experiments=3)) for _ in range(2))
    for dry_run in (killed, spared):
        dry_run.open()

    killed.drive(planning=planning)
    spared.drive()

    assert next(initializers, None) is None
    assert killed.events() == spared.events()
