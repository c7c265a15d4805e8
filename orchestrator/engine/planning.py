"""Asking a planner without blocking the loop: in a warm worker process, or in a thread.

A planner is stateless, so the worker may be killed at any moment; what it proposed counts only
once it is in the log.
"""

import asyncio
import functools
import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import TYPE_CHECKING

from campaigns.spec import CampaignSpec
from drivers.clock import Clock
from orchestrator.core.point import Observation, Point

if TYPE_CHECKING:
    from orchestrator.optimise.planner import Proposal

__all__ = ["Planning", "planning_in_process", "planning_in_worker", "propose", "warm"]


def _die_with_the_engine() -> None:
    """End this worker as soon as the engine's process has ended, however it ended."""
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
) -> "Proposal":
    """Build the campaign's planner and ask it; runs wherever the executor is.

    Args:
        campaign_text: The campaign in canonical form.
        observations: All that is known.
        pending: Points that are being made.
        n: How many candidates, at least 1.
        seed: Of this one proposal.
    """
    from orchestrator.optimise.planner import planner_for

    campaign = _campaign_from(campaign_text)
    return planner_for(campaign).propose(campaign, observations, pending, n, seed)


def warm(campaign_text: str) -> None:
    """Import the planner's libraries, so that the first real proposal need not wait."""
    from orchestrator.optimise.planner import planner_for

    planner = planner_for(_campaign_from(campaign_text))
    if planner.name == "botorch":
        import orchestrator.optimise.model_proposal  # noqa: F401 - for its effect: the import takes seconds


class Planning:
    """Where proposals are made.

    Args:
        executor: Runs the planner; None is a thread of the clock's loop.
    """

    def __init__(self, executor: Executor | None) -> None:
        self._executor = executor

    def warm_up(self, campaign_text: str) -> None:
        """Start importing what the campaign's planner needs; returns at once."""
        if self._executor is not None:
            self._executor.submit(warm, campaign_text)

    async def propose(
        self,
        campaign: CampaignSpec,
        observations: Sequence[Observation],
        pending: Sequence[Point],
        *,
        n: int,
        seed: int,
        clock: Clock,
    ) -> "Proposal":
        """Ask the planner; virtual time stands still meanwhile. Cancelling it ends the worker.

        Args:
            campaign: What is searched.
            observations: All that is known.
            pending: Points that are being made.
            n: How many candidates, at least 1.
            seed: Of this one proposal.
            clock: The engine's.
        """
        text = campaign.canonical_text()
        told, made = tuple(observations), tuple(dict(point) for point in pending)
        call = functools.partial(propose, text, told, made, n, seed)
        try:
            return await clock.call_blocking(call, self._executor)
        except asyncio.CancelledError:
            self.close()  # virtual time stands still until the call has ended
            raise

    def close(self) -> None:
        """Let the worker go, in the middle of a proposal if need be."""
        if isinstance(self._executor, ProcessPoolExecutor):
            workers = list((self._executor._processes or {}).values())  # noqa: SLF001 - the pool has no public way to end a running call
            self._executor.shutdown(wait=False, cancel_futures=True)
            for worker in workers:
                worker.kill()
                worker.join()


def planning_in_process() -> Planning:
    """Return planning in a thread of this process; for planners that need no heavy library."""
    return Planning(None)


def planning_in_worker() -> Planning:
    """Return planning in one warm process that ends with this one."""
    context = multiprocessing.get_context("spawn")
    return Planning(
        ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_die_with_the_engine)
    )
