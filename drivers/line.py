"""A line carries bytes to devices and back; it knows nothing of what they mean.

`Line` is the wire. `Conversation` is what a driver holds: it pairs requests with replies and, after
a reply that never came, lets some time pass before it trusts an answer again.
"""

import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from drivers.clock import Clock
from drivers.errors import LineError, OutcomeUnknown, ProtocolError

__all__ = ["MAX_FRAME_BYTES", "Conversation", "Line", "evidence_of", "take_frame"]

MAX_FRAME_BYTES = 65_536
"""No reply of a laboratory device is longer; more is noise."""

EVIDENCE_BYTES = 200
"""More than so many bytes help nobody to judge what happened."""

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
            terminator: The bytes that end a frame; empty where the frame is `max_bytes` long.
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
        reply_end: The bytes that end each reply or, where only its length tells the end, a
            function of what has come so far that gives how many bytes more are needed; it may
            raise `ProtocolError`.
        distrust_s: How long after a missing reply no answer is trusted, in seconds.
        max_bytes: Longer replies are refused.
        gap_s: What a slow device needs between a reply, or a request without one, and the next
            request, in seconds; urgent ones keep it too, for it would not hear them sooner.
    """

    def __init__(
        self,
        line: Line,
        clock: Clock,
        *,
        reply_end: bytes | Callable[[bytes], int],
        distrust_s: float = 10.0,
        max_bytes: int = MAX_FRAME_BYTES,
        gap_s: float = 0.0,
    ) -> None:
        self._line = line
        self._clock = clock
        self._reply_end = reply_end
        self._distrust_s = max(distrust_s, clock.shortest_wait_s)
        self._max_bytes = max_bytes
        self._distrusted_until_s: float | None = None
        self._gap_s = gap_s
        self._heard_s = -math.inf

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
            await self._keep_gap()
            try:
                await self._line.write(request, timeout_s=WRITE_TIMEOUT_S)
                frame = await self._reply_to(request, timeout_s, is_reply)
                is_doubtful = False
            except LineError:
                is_doubtful = False
                raise
            finally:
                self._heard_s = self._clock.monotonic_s()
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
            await self._keep_gap()
            try:
                await self._line.write(request, timeout_s=WRITE_TIMEOUT_S)
            finally:
                self._heard_s = self._clock.monotonic_s()

    async def _keep_gap(self) -> None:
        left_s = self._heard_s + self._gap_s - self._clock.monotonic_s()
        if left_s > 0.0:
            await self._clock.sleep(left_s)

    async def _reply_to(
        self, request: bytes, timeout_s: float, is_reply: Callable[[bytes], bool]
    ) -> bytes:
        deadline_s = self._clock.monotonic_s() + max(timeout_s, self._clock.shortest_wait_s)
        while True:
            try:
                frame = await self._frame_by(deadline_s)
            except OutcomeUnknown as error:
                reason = f"no reply to {request!r} on line {self._line.name}"
                raise OutcomeUnknown(reason, error.evidence or error.reason) from error
            if is_reply(frame):
                return frame

    async def _frame_by(self, deadline_s: float) -> bytes:
        """Return the next frame, by its end or by its length."""
        end, now_s = self._reply_end, self._clock.monotonic_s
        if isinstance(end, bytes):
            left_s = max(0.0, deadline_s - now_s())
            return await self._line.read_until(end, timeout_s=left_s, max_bytes=self._max_bytes)
        frame = b""
        while n_bytes := end(frame):
            if len(frame) + n_bytes > self._max_bytes:
                raise ProtocolError(f"a reply of more than {self._max_bytes} bytes", frame[:100])
            left_s = max(0.0, deadline_s - now_s())
            try:
                frame += await self._line.read_until(b"", timeout_s=left_s, max_bytes=n_bytes)
            except OutcomeUnknown as error:
                raise OutcomeUnknown(error.reason, f"{frame!r}; {error.evidence}") from error
        return frame

    async def _wait_for_trust(self) -> None:
        while self._distrusted_until_s is not None:
            left_s = self._distrusted_until_s - self._clock.monotonic_s()
            if left_s <= 0.0:
                return
            await self._clock.sleep(left_s)


def take_frame(inbox: bytearray, terminator: bytes, max_bytes: int) -> bytes | None:
    """Take one whole frame out of what has come, if there is one.

    Args:
        inbox: What has come; the frame is removed from it, or everything if it is refused.
        terminator: The bytes that end a frame; empty where the frame is `max_bytes` long.
        max_bytes: Longer frames are refused.

    Raises:
        ProtocolError: `max_bytes` or more have come without a terminator.
    """
    if not terminator:
        if len(inbox) < max_bytes:
            return None
        size = max_bytes
    else:
        end = inbox.find(terminator, 0, max_bytes)
        if end < 0:
            if len(inbox) < max_bytes:
                return None
            raw = bytes(inbox[:100])
            inbox.clear()
            raise ProtocolError(f"more than {max_bytes} bytes without an end", raw)
        size = end + len(terminator)
    frame = bytes(inbox[:size])
    del inbox[:size]
    return frame


def evidence_of(inbox: bytes | bytearray) -> str:
    """Return what has come, for a person to judge; of a flood only the beginning."""
    shown = repr(bytes(inbox[:EVIDENCE_BYTES]))
    n_more = len(inbox) - EVIDENCE_BYTES
    return f"{shown} and {n_more} bytes more" if n_more > 0 else shown
