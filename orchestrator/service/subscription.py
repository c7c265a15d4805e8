"""One reader of the stream: a place in the log, and a wake-up in the reader's event loop.

Nothing is queued for anybody. A subscription takes what comes after its place from the follower's
newest events, or from the log itself if it is further back; so there is no gap and nothing comes
twice, and one that never reads costs nothing but its place.
"""

import asyncio
from typing import Protocol

from orchestrator.service.stream_events import StreamEvent

__all__ = ["Source", "Subscription"]

_AT_ONCE = 500
"""Events that one look gives at most."""
_RETRY_S = 0.2
"""How soon a log that is not there is asked again for what was missed, in seconds."""


class Source(Protocol):
    """Where a subscription takes its events from."""

    def newest_for(self, reader: "Subscription", limit: int) -> tuple[StreamEvent, ...] | None:
        """Return what a reader has not got; None if that is only in the log any more."""
        ...

    def logged_after(self, seq: int, limit: int) -> tuple[StreamEvent, ...]:
        """Return what came after a record, read from the log; it blocks.

        Nothing comes while the log is not there to be read.

        Raises:
            LogError: A record cannot be read.
        """
        ...

    def leave(self, subscription: "Subscription") -> None:
        """Forget a subscription."""
        ...


class Subscription:
    """One reader. All is called inside its event loop, but `wake` and `lose`.

    Args:
        source: The follower.
        seq: The record after which it begins.
        loop: The reader's event loop.
    """

    def __init__(self, source: Source, seq: int, loop: asyncio.AbstractEventLoop) -> None:
        self._source = source
        self._woken = asyncio.Event()
        self.loop = loop
        self.seq = seq
        """The last record that was given."""
        self.unread_since_s: float | None = None
        """Since when there is something that it has not looked at, on the follower's clock."""
        self.is_lost = False
        """Whether it was too slow, and has to come back with its last seq."""
        self.is_ended = False
        """Whether nothing comes any more: it is lost, or closed by either side."""

    def wake(self) -> None:
        """Say in the reader's loop that there is something to look at."""
        self._woken.set()

    def lose(self) -> None:
        """End it because it reads too slowly; from any thread."""
        self.is_lost = self.is_ended = True

    def end(self) -> None:
        """End it; from any thread."""
        self.is_ended = True

    def close(self) -> None:
        """End it from the reader's side; closing twice does nothing."""
        self.is_ended = True
        self._source.leave(self)

    async def next(self, timeout_s: float | None = None) -> tuple[StreamEvent, ...]:
        """Return what came since, in order, as soon as there is something.

        Args:
            timeout_s: How long to wait at most, in seconds; None is for ever.

        Returns:
            Nothing at the timeout, or when it has ended.

        Raises:
            LogError: A record that it missed cannot be read.
        """
        found: tuple[StreamEvent, ...] = ()
        try:
            async with asyncio.timeout(timeout_s):
                while not found and not self.is_ended:
                    self._woken.clear()
                    found = await self._look()
                    if not found and not self.is_ended:
                        await self._woken.wait()
        except TimeoutError:
            return ()
        return found

    async def _look(self) -> tuple[StreamEvent, ...]:
        found = self._source.newest_for(self, _AT_ONCE)
        while found is None and not self.is_ended:
            found = await asyncio.to_thread(self._source.logged_after, self.seq, _AT_ONCE)
            if not found:
                await asyncio.sleep(_RETRY_S)
                found = self._source.newest_for(self, _AT_ONCE)
        if self.is_ended or not found:
            return ()
        self.seq = found[-1].seq
        return found
