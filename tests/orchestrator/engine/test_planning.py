"""Planning in a worker process: it may be killed, and the campaign goes on."""

import asyncio
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress

import psutil
import pytest

from drivers.clock import SystemClock
from orchestrator.engine.planning import PlannerLost, Planning, planning_in_worker, warm
from tests.support.pretend_campaigns import small_campaign


def _workers() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a zombie of another test, or gone meanwhile
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


async def _proposed(planning: Planning):
    return await planning.propose(small_campaign(), (), (), n=2, seed=1, clock=SystemClock())


@pytest.mark.slow
def test_a_worker_that_was_killed_is_replaced_and_gives_the_same_points():
    planning = planning_in_worker()
    try:
        first = asyncio.run(_proposed(planning))
        for worker in _workers():
            worker.send_signal(signal.SIGKILL)
            worker.wait(timeout=10)

        second = asyncio.run(_proposed(planning))
    finally:
        planning.close()

    assert second.candidates == first.candidates
    assert not _workers()


async def _asked_of_a_worker_that_dies(planning: Planning):
    """Ask a worker that stands still, and kill it while the question is open."""
    (worker,) = _workers()
    worker.send_signal(signal.SIGSTOP)
    asked = asyncio.create_task(_proposed(planning))
    await asyncio.sleep(0)
    assert not asked.done()
    worker.send_signal(signal.SIGKILL)
    async with asyncio.timeout(60.0):
        return await asked


@pytest.mark.slow
def test_a_question_whose_worker_is_killed_is_asked_again():
    planning = planning_in_worker()
    try:
        first = asyncio.run(_proposed(planning))
        (before,) = _workers()

        second = asyncio.run(_asked_of_a_worker_that_dies(planning))

        assert [process.pid for process in _workers()] != [before.pid]
    finally:
        planning.close()

    assert second.candidates == first.candidates
    assert not _workers()


@pytest.mark.slow
def test_a_worker_that_hangs_is_killed_and_replaced():
    context = multiprocessing.get_context("spawn")
    pools = [ProcessPoolExecutor(max_workers=1, mp_context=context) for _ in range(2)]
    for pool in pools:
        pool.submit(warm, small_campaign().canonical_text()).result(timeout=60)
    (hung,) = pools[0]._processes
    os.kill(hung, signal.SIGSTOP)
    coming = iter(pools)
    planning = Planning(lambda: next(coming), deadline_s=3.0)

    try:
        proposal = asyncio.run(_proposed(planning))
        assert hung not in [worker.pid for worker in _workers()]
    finally:
        planning.close()

    assert len(proposal.candidates) == 2
    assert not _workers()


@pytest.mark.slow
def test_ctrl_c_on_the_terminal_does_not_reach_the_worker():
    planning = planning_in_worker()
    try:
        first = asyncio.run(_proposed(planning))
        (worker,) = _workers()
        worker.send_signal(signal.SIGINT)

        second = asyncio.run(_proposed(planning))

        assert [process.pid for process in _workers()] == [worker.pid]
    finally:
        planning.close()

    assert second.candidates == first.candidates


def _doomed_pool() -> ProcessPoolExecutor:
    """Return a pool whose worker ends as soon as it begins."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(
        max_workers=1, mp_context=context, initializer=os._exit, initargs=(1,)
    )


@pytest.mark.slow
def test_workers_that_die_twice_are_given_up():
    planning = Planning(_doomed_pool)

    try:
        with pytest.raises(PlannerLost, match="twice"):
            asyncio.run(_proposed(planning))
    finally:
        planning.close()
