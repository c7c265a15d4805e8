"""Ctrl-C, graded: once asks for a pause, twice for a stop, thrice for an abort."""

import signal
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from types import FrameType, TracebackType
from typing import Final, Self

from orchestrator.service.requests import Request

__all__ = ["LADDER", "Interrupts"]

LADDER: Final = (Request.PAUSE, Request.STOP, Request.ABORT)
"""What the first, second and third Ctrl-C ask."""


LEAVES: Final = "Ctrl-C leaves the campaign as it is"
"""What the first Ctrl-C does while a campaign waits for a person."""

_ARTICLES: Final = {Request.PAUSE: "a pause", Request.STOP: "a stop", Request.ABORT: "an abort"}


class Interrupts:
    """Counts Ctrl-C and passes requests on from a thread, where waiting for the log is harmless.

    After the last rung, Ctrl-C ends the process at once, as it usually does; the log stays whole.

    Args:
        ask: Puts one request into the log; called in a thread of its own.
    """

    def __init__(self, ask: Callable[[Request], None]) -> None:
        self._ask = ask
        self._queue: SimpleQueue[Request | None] = SimpleQueue()
        self._n = 0
        self._before: Callable[[int, FrameType | None], object] | int | None = None
        self._worker: Thread | None = None

    @property
    def hint(self) -> str:
        """What the next Ctrl-C will do."""
        return self.hint_while(is_waiting=False)

    def hint_while(self, *, is_waiting: bool) -> str:
        """Return what the next Ctrl-C will do.

        Args:
            is_waiting: Whether the campaign waits for a person.
        """
        if is_waiting and self._n == 0:
            return LEAVES
        if self._n >= len(LADDER):
            return "Ctrl-C kills this process; the log stays whole"
        asked = f"{LADDER[self._n - 1]} requested; " if self._n else ""
        return f"{asked}Ctrl-C asks for {_ARTICLES[LADDER[self._n]]}"

    def __enter__(self) -> Self:
        """Remember what Ctrl-C does now, to give it back at the end."""
        self._before = signal.getsignal(signal.SIGINT)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give Ctrl-C back and wait until every request is in the log."""
        signal.signal(signal.SIGINT, self._before)
        if self._worker is not None:
            self._queue.put(None)
            self._worker.join()

    def begin(self) -> None:
        """Take Ctrl-C over; from now on there is a campaign to ask something of."""
        self._worker = Thread(target=self._work, name="requests", daemon=True)
        self._worker.start()
        signal.signal(signal.SIGINT, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        """Take one Ctrl-C; nothing here may block or touch the log."""
        del number, frame
        self._queue.put(LADDER[self._n])
        self._n += 1
        if self._n >= len(LADDER):
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _work(self) -> None:
        while (request := self._queue.get()) is not None:
            self._ask(request)
