"""A line carries bytes to devices and back; it knows nothing of what they mean.

`Line` is the wire. `Conversation` is what a driver holds: it pairs requests with replies and, after
a reply that never came, lets some time pass before it trusts an answer again.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from drivers.clock import Clock
from drivers.errors import LineError, OutcomeUnknown

__all__ = ["MAX_FRAME_BYTES", "Conversation", "Line"]

MAX_FRAME_BYTES = 65_536
"""No reply of a laboratory device is longer; more is noise."""

WRITE_TIMEOUT_S = 2.0
"""A request is a few dozen bytes; a wire that does not take them by then is down."""


class Line(Protocol):
    r"""One wire, real or simulated; several addressed devices may share it.

    Whoever talks holds the line for the whole exchange::

        async with line.exchange():
            await line.write(request, timeout_s=1.0)
            reply = await line.read_until(b"\r\n", timeout_s=2.0)

    Every error follows `drivers.errors`: before the last byte is handed over, `LineError` or
    `LineTimeout`; after it, a reply that does not come is `OutcomeUnknown`.
    """

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        ...

    async def open(self) -> None:
        """Open the wire; opening an open line does nothing.

        Raises:
            LineError: It cannot be opened.
        """
        ...

    async def close(self) -> None:
        """Close the wire; closing twice does nothing."""
        ...

    def exchange(self) -> AbstractAsyncContextManager[None]:
        """Hold the line for one request and its reply; stale input is discarded on entry."""
        ...

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Send bytes.

        Raises:
            LineError: The line is down; nothing was sent.
            LineTimeout: The line did not take them in time; nothing was sent.
        """
        ...

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Return the bytes up to and including a terminator.

        Args:
            terminator: The bytes that end a frame.
            timeout_s: Total deadline for the whole frame, in seconds.
            max_bytes: Longer frames are refused.

        Raises:
            OutcomeUnknown: The frame did not come, or the line went down in the middle.
            ProtocolError: More than `max_bytes` came without a terminator.
        """
        ...


class Conversation:
    """One driver's talk over a line: every reply belongs to the request before it.

    After a request without a good reply the conversation is out of step: a late reply could be
    taken for the answer to another question. The next `ask` then lets some time pass, without
    holding the line, before it trusts an answer; what came meanwhile is discarded. Urgent requests,
    those that stop things, do not wait.

    Args:
        line: The wire.
        clock: Through which it waits.
        reply_end: The bytes that end each reply.
        distrust_s: How long after a missing reply no answer is trusted, in seconds.
    """

    def __init__(
        self, line: Line, clock: Clock, *, reply_end: bytes, distrust_s: float = 10.0
    ) -> None:
        self._line = line
        self._clock = clock
        self._reply_end = reply_end
        self._distrust_s = max(distrust_s, clock.shortest_wait_s)
        self._distrusted_until_s: float | None = None

    @property
    def is_in_step(self) -> bool:
        """False after a request whose reply is missing or unreadable, until a good one comes."""
        return self._distrusted_until_s is None

    async def ask(
        self,
        request: bytes,
        *,
        timeout_s: float,
        is_reply: Callable[[bytes], bool] = lambda _: True,
        is_urgent: bool = False,
    ) -> bytes:
        """Send a request and return the frame that answers it.

        Args:
            request: Complete, with its terminator.
            timeout_s: Total deadline for the reply, in seconds.
            is_reply: Tells the reply from frames of others; those are skipped. It may raise
                `ProtocolError`.
            is_urgent: Send at once, even out of step; the conversation does not get into step.

        Raises:
            LineError: The line is down; nothing was sent.
            OutcomeUnknown: It was sent, and no reply came.
            ProtocolError: The reply is not what the codec knows.
        """
        if not is_urgent:
            await self._wait_for_trust()
        async with self._line.exchange():
            is_doubtful = True
            try:
                await self._line.write(request, timeout_s=WRITE_TIMEOUT_S)
                frame = await self._reply_to(request, timeout_s, is_reply)
                is_doubtful = False
            except LineError:
                is_doubtful = False
                raise
            finally:
                if is_doubtful:
                    self._distrusted_until_s = self._clock.monotonic_s() + self._distrust_s
            if not is_urgent:
                self._distrusted_until_s = None
            return frame

    async def tell(self, request: bytes, *, is_urgent: bool = False) -> None:
        """Send a request that is not answered.

        Args:
            request: Complete, with its terminator.
            is_urgent: Send at once, even out of step.

        Raises:
            LineError: The line is down; nothing was sent.
        """
        if not is_urgent:
            await self._wait_for_trust()
        async with self._line.exchange():
            await self._line.write(request, timeout_s=WRITE_TIMEOUT_S)

    async def _reply_to(
        self, request: bytes, timeout_s: float, is_reply: Callable[[bytes], bool]
    ) -> bytes:
        deadline_s = self._clock.monotonic_s() + max(timeout_s, self._clock.shortest_wait_s)
        while True:
            left_s = max(0.0, deadline_s - self._clock.monotonic_s())
            try:
                frame = await self._line.read_until(self._reply_end, timeout_s=left_s)
            except OutcomeUnknown as error:
                reason = f"no reply to {request!r} on line {self._line.name}"
                raise OutcomeUnknown(reason, error.evidence or error.reason) from error
            if is_reply(frame):
                return frame

    async def _wait_for_trust(self) -> None:
        while self._distrusted_until_s is not None:
            left_s = self._distrusted_until_s - self._clock.monotonic_s()
            if left_s <= 0.0:
                return
            await self._clock.sleep(left_s)
