"""Asking a planner without blocking the loop: in a warm worker process, or in a thread.

A planner is stateless, so the worker may be killed at any moment; what it proposed counts only
once it is in the log.
"""

import asyncio
import functools
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from campaigns.spec import CampaignSpec
from drivers.clock import Clock
from orchestrator.core.point import Observation, Point
from orchestrator.errors import AthanorError

if TYPE_CHECKING:
    from orchestrator.engine.bench_hours import BenchHours
    from orchestrator.optimise.planner import Proposal

__all__ = [
    "PlannerLost",
    "Planning",
    "planning_in_process",
    "planning_in_worker",
    "propose",
    "warm",
]

logger = logging.getLogger(__name__)

PLANNING_DEADLINE_S: Final = 600.0
"""A worker that takes longer over one proposal ends itself, in real seconds."""
_LAST_DEADLINE_S: Final = PLANNING_DEADLINE_S + 30.0
"""A worker that has not even ended itself by then is killed, in real seconds."""


def _serve_the_engine() -> None:
    """Leave Ctrl-C to the engine; end as soon as the engine's process has ended, however it ended.

    A terminal sends Ctrl-C to every process in the foreground. In the worker it would break off
    the proposal and reach the engine as the planner's answer.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="watch-the-engine", daemon=True).start()


@functools.lru_cache(maxsize=4)
def _campaign_from(campaign_text: str) -> CampaignSpec:
    return CampaignSpec.from_canonical_text(campaign_text)


def propose(
    campaign_text: str,
    observations: tuple[Observation, ...],
    pending: tuple[Point, ...],
    n: int,
    seed: int,
    hours: "BenchHours | None" = None,
) -> "Proposal":
    """Build the campaign's planner and ask it; runs wherever the executor is.

    Args:
        campaign_text: The campaign in canonical form.
        observations: All that is known.
        pending: Points that are being made.
        n: How many candidates, at least 1.
        seed: Of this one proposal.
        hours: The bench, where what experiments take there counts.
    """
    from orchestrator.optimise.planner import planner_for

    campaign = _campaign_from(campaign_text)
    bench = None if hours is None else hours.time_for(campaign)
    with _deadline():
        return planner_for(campaign).propose(campaign, observations, pending, n, seed, bench=bench)


@contextmanager
def _deadline() -> Iterator[None]:
    """End this worker if the block takes too long; in the engine's own process do nothing."""
    if multiprocessing.parent_process() is None:
        yield
        return
    timer = threading.Timer(PLANNING_DEADLINE_S, os._exit, args=(1,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def warm(campaign_text: str) -> None:
    """Import the planner's libraries, so that the first real proposal need not wait."""
    from orchestrator.optimise.planner import planner_for

    planner = planner_for(_campaign_from(campaign_text))
    if planner.name == "botorch":
        import orchestrator.optimise.model_proposal  # noqa: F401 - for its effect: the import takes seconds


class PlannerLost(AthanorError):
    """The planner's process ended without an answer, twice."""


class Planning:
    """Where proposals are made.

    Args:
        new_pool: Makes the pool whose one worker runs the planner; None runs it in a thread of
            the clock's loop.
        deadline_s: When a worker that does not answer is killed, in real seconds. On the virtual
            clock, whose time stands still meanwhile, it only ends itself.
    """

    def __init__(
        self,
        new_pool: Callable[[], ProcessPoolExecutor] | None,
        *,
        deadline_s: float = _LAST_DEADLINE_S,
    ) -> None:
        self._new_pool = new_pool
        self._deadline_s = deadline_s
        self._pool: ProcessPoolExecutor | None = None

    def warm_up(self, campaign_text: str) -> None:
        """Start importing what the campaign's planner needs; returns at once."""
        pool = self._opened_pool()
        if pool is not None:
            pool.submit(warm, campaign_text)

    async def propose(
        self,
        campaign: CampaignSpec,
        observations: Sequence[Observation],
        pending: Sequence[Point],
        *,
        n: int,
        seed: int,
        clock: Clock,
        hours: "BenchHours | None" = None,
    ) -> "Proposal":
        """Ask the planner; virtual time stands still meanwhile. Cancelling it ends the worker.

        A worker that dies or hangs is replaced and asked once more: a proposal is a pure function,
        and nothing of it is known before it is in the log.

        Args:
            campaign: What is searched.
            observations: All that is known.
            pending: Points that are being made.
            n: How many candidates, at least 1.
            seed: Of this one proposal.
            clock: The engine's.
            hours: The bench, where what experiments take there counts.

        Raises:
            PlannerLost: Two workers died over it, or took longer than `PLANNING_DEADLINE_S`.
        """
        text = campaign.canonical_text()
        told, made = tuple(observations), tuple(dict(point) for point in pending)
        call = functools.partial(propose, text, told, made, n, seed, hours)
        for _ in range(2):
            try:
                async with asyncio.timeout(self._deadline_s / clock.real_s(1.0)):
                    return await clock.call_blocking(call, self._opened_pool())
            except asyncio.CancelledError:
                self.close()  # virtual time stands still until the call has ended
                raise
            except (BrokenProcessPool, TimeoutError) as error:
                logger.warning("the planner's process gave no answer: %s", type(error).__name__)
                self.close()
        raise PlannerLost(
            "its process ended or hung twice without an answer: killed, out of memory, or longer "
            f"than {PLANNING_DEADLINE_S:.0f} s over it"
        )

    def close(self) -> None:
        """Let the worker go, in the middle of a proposal if need be."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        workers = list((pool._processes or {}).values())  # noqa: SLF001 - the pool has no public way to end a running call
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.kill()
            worker.join()

    def _opened_pool(self) -> ProcessPoolExecutor | None:
        if self._pool is None and self._new_pool is not None:
            self._pool = self._new_pool()
        return self._pool


def planning_in_process() -> Planning:
    """Return planning in a thread of this process; for planners that need no heavy library."""
    return Planning(None)


def planning_in_worker() -> Planning:
    """Return planning in one warm process that ends with this one."""
    return Planning(_new_pool)


def _new_pool() -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_serve_the_engine)
