"""A better order of the open jobs, searched for beside the loop; the rule decides meanwhile."""

import asyncio
import functools
import logging
from collections.abc import Sequence
from typing import Final

from drivers.clock import Clock
from orchestrator.core.foreseen import Start
from orchestrator.core.shop import Shop
from orchestrator.engine.inbox import Inbox

__all__ = ["Searching"]

logger = logging.getLogger(__name__)

_EVERY_S: Final = 300.0
"""The least time between two searches, in the clock's seconds."""
_LEAST_TASKS: Final = 10
"""Less work than this every rule is tried on anyway."""


class Searching:
    """At most one search at a time, only where loads or waits leave something to be found.

    Args:
        clock: The engine's.
        inbox: Woken when something was found.
        effort: Of one search, in the solver's own measure, roughly seconds of one core; 0 for none.
    """

    def __init__(self, clock: Clock, inbox: Inbox, effort: float) -> None:
        self._clock = clock
        self._inbox = inbox
        self._effort = effort
        self._task: asyncio.Task[None] | None = None
        self._samples: frozenset[str] = frozenset()
        self._last_s = -_EVERY_S
        self._found: Sequence[Start] = ()

    def offer(self, shop: Shop | None, tasks: asyncio.TaskGroup) -> None:
        """Begin a search if there are other samples than at the last one, and time has passed.

        Args:
            shop: What there is to do; None if nothing was foreseen.
            tasks: Of the loop.
        """
        if shop is None or not self._effort or self._task is not None:
            return
        samples = frozenset(task.sample for task in shop.tasks.values())
        now_s = self._clock.monotonic_s()
        is_due = samples != self._samples and now_s - self._last_s >= _EVERY_S
        if is_due and len(shop.tasks) >= _LEAST_TASKS:
            self._samples, self._last_s = samples, now_s
            self._task = tasks.create_task(self._search(shop))

    def take(self) -> Sequence[Start]:
        """Return the order that was found since the last call; empty if none was."""
        found, self._found = self._found, ()
        return found

    def cancel(self) -> None:
        """Let a search go."""
        if self._task is not None:
            self._task.cancel()

    async def _search(self, shop: Shop) -> None:
        """Keep what is found; a solver that breaks stops nothing."""
        from orchestrator.scheduling import Budget, look_ahead

        budget = Budget(effort=self._effort, n_workers=2)
        call = self._clock.call_blocking(functools.partial(look_ahead, shop, budget), None)
        (found,) = await asyncio.gather(call, return_exceptions=True)
        self._task = None
        if isinstance(found, BaseException):
            logger.error("the solver broke, the rule decides: %r", found, exc_info=found)
            return
        self._found = found.plan
        self._inbox.wake()
