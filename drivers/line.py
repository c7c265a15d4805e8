"""A line carries bytes to devices and back; it knows nothing of what they mean.

`Line` is the wire. `Conversation` is what a driver holds: it pairs requests with replies and, after
a reply that never came, lets the wire fall silent before it trusts an answer again.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from drivers.errors import LineError, OutcomeUnknown, ProtocolError

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
    taken for the answer to another question. The next `ask` then waits until the wire has been
    silent for a while. Urgent requests, those that stop things, do not wait.

    Args:
        line: The wire.
        reply_end: The bytes that end each reply.
        silence_s: How long the wire must be silent before it is trusted again, in seconds.
        max_noise_s: A wire that is not silent by then is not trusted at all, in seconds.
    """

    def __init__(
        self, line: Line, *, reply_end: bytes, silence_s: float = 6.0, max_noise_s: float = 60.0
    ) -> None:
        self._line = line
        self._reply_end = reply_end
        self._silence_s = silence_s
        self._max_noise_s = max_noise_s
        self._is_in_step = True

    @property
    def is_in_step(self) -> bool:
        """False after a request whose reply is missing or unreadable."""
        return self._is_in_step

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
        async with self._line.exchange():
            if not is_urgent:
                await self._get_into_step()
            was_in_step = self._is_in_step
            self._is_in_step = False
            try:
                await self._line.write(request, timeout_s=WRITE_TIMEOUT_S)
            except LineError:
                self._is_in_step = was_in_step
                raise
            deadline_s = asyncio.get_running_loop().time() + timeout_s
            while True:
                frame = await self._read(request, deadline_s)
                if is_reply(frame):
                    self._is_in_step = was_in_step
                    return frame

    async def tell(self, request: bytes, *, is_urgent: bool = False) -> None:
        """Send a request that is not answered.

        Args:
            request: Complete, with its terminator.
            is_urgent: Send at once, even out of step.

        Raises:
            LineError: The line is down; nothing was sent.
        """
        async with self._line.exchange():
            if not is_urgent:
                await self._get_into_step()
            await self._line.write(request, timeout_s=WRITE_TIMEOUT_S)

    async def _read(self, request: bytes, deadline_s: float) -> bytes:
        remaining_s = max(0.0, deadline_s - asyncio.get_running_loop().time())
        try:
            return await self._line.read_until(self._reply_end, timeout_s=remaining_s)
        except OutcomeUnknown as error:
            reason = f"no reply to {request!r} on line {self._line.name}"
            raise OutcomeUnknown(reason, error.evidence or error.reason) from error

    async def _get_into_step(self) -> None:
        if self._is_in_step:
            return
        noise_until_s = asyncio.get_running_loop().time() + self._max_noise_s
        while asyncio.get_running_loop().time() < noise_until_s:
            try:
                await self._line.read_until(self._reply_end, timeout_s=self._silence_s)
            except OutcomeUnknown:
                self._is_in_step = True
                return
            except ProtocolError:
                continue
        raise LineError(
            f"line {self._line.name} has not been silent for {self._silence_s:g} s"
            f" within {self._max_noise_s:g} s; nothing was sent"
        )
