"""A line carries bytes to devices and back; it knows nothing of what they mean."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

__all__ = ["MAX_FRAME_BYTES", "Line"]

MAX_FRAME_BYTES = 65_536
"""No reply of a laboratory device is longer; more is noise."""


class Line(Protocol):
    """One wire, real or simulated; several addressed devices may share it.

    Whoever talks holds the line for the whole exchange::

        async with line.exchange():
            await line.write(request, timeout_s=1.0)
            reply = await line.read_until(b"\\r\\n", timeout_s=2.0)

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
