"""One order on its way: who waits for it, and how it is cut off."""

import asyncio

from orchestrator.execution.executor import Order, Outcome
from orchestrator.execution.kept_orders import JournalTicket
from orchestrator.execution.seats import Seat

__all__ = ["RunningOrder"]


class RunningOrder:
    """An order in a task of its own, so that several may wait for its outcome.

    Args:
        order: That is carried out or asked about.
        seat: Its instrument's.
        ticket: Under which it acts.
        is_question: True if the device is only asked what became of it.
    """

    def __init__(
        self, order: Order, seat: Seat, ticket: JournalTicket, *, is_question: bool = False
    ) -> None:
        self.order = order
        self.seat = seat
        self.ticket = ticket
        self.is_question = is_question
        self.task: asyncio.Task[Outcome] | None = None
        self.has_begun = False
        """Whether its task has taken its first step: one that is cancelled before never answers."""
        self.error = ""
        """Name of what cut it off; empty while nothing did."""
        self.reason = ""
        """The same in words."""
        self.is_asking = is_question
        """Whether its device is being asked what it did: that may be cut off at any time."""

    def cut_off(self, error: str, reason: str) -> None:
        """Interrupt it: its instrument is stopped, and then asked what it did.

        Args:
            error: Name of the cause, as in `Refused.error`.
            reason: The same in words.
        """
        task = self.task
        if task is None or task.done() or task is asyncio.current_task():
            return
        is_first = not self.error
        if is_first:
            self.error, self.reason = error, reason
        if self.has_begun and (is_first or self.is_asking):
            task.cancel()

    async def outcome(self) -> Outcome:
        """Wait for the outcome; a caller that is cancelled meanwhile has it interrupted first."""
        task = self.task
        if task is None:
            raise RuntimeError("the order has not begun")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not self.is_question:
                self.cut_off("NothingDone", "it was called off")
                await _to_its_end(task)
            raise


async def _to_its_end(task: "asyncio.Task[Outcome]") -> None:
    """Wait for a task although the caller is being cancelled, which it then says itself."""
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            continue
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
