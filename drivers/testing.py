"""A line that plays a script, for tests of drivers; nothing here is used at run time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from drivers.dialogue import Frame, dialogue_from
from drivers.errors import LineError, OutcomeUnknown, ProtocolError
from drivers.line import MAX_FRAME_BYTES

__all__ = ["MemoryLine"]


class MemoryLine:
    """A line that plays a script: it checks what is written and gives what the script answers.

    What the host writes is compared frame by frame; the first unexpected byte is an
    `AssertionError`, so that it cannot be taken for an error of the wire.

    Args:
        frames: The script.
        name: The line's name.
    """

    def __init__(self, frames: Sequence[Frame], *, name: str = "memory") -> None:
        self._script = list(frames)
        self._inbox = bytearray()
        self._lock = asyncio.Lock()
        self._name = name
        self.is_open = False
        self.written: list[bytes] = []
        """Everything that was written, one entry a write."""

    @classmethod
    def from_lines(cls, *lines: str) -> "MemoryLine":
        r"""Build it from lines of the dialogue format.

        Example:
            >>> MemoryLine.from_lines(r"> 01VER\r", r"< \x0201SNE1000V3.928\x03").left
            2
        """
        return cls(dialogue_from("lines", list(enumerate(lines, start=1))).frames)

    @property
    def name(self) -> str:
        """The line's name."""
        return self._name

    @property
    def left(self) -> int:
        """How many frames of the script have not been played."""
        return len(self._script)

    async def open(self) -> None:
        """Open it."""
        self.is_open = True

    async def close(self) -> None:
        """Close it."""
        self.is_open = False

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Hold the line; stale input is discarded on entry."""
        async with self._lock:
            self._inbox.clear()
            yield

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Check the bytes against the script and queue the replies to them.

        Raises:
            LineError: The line is closed.
        """
        del timeout_s
        if not self.is_open:
            raise LineError(f"line {self._name} is closed; this request was not sent")
        self.written.append(data)
        expected = self._script.pop(0) if self._script else None
        if expected is None or not expected.is_from_host or expected.data != data:
            raise AssertionError(f"wrote {data!r}, expected {expected}")
        while self._script and (self._script[0].wait_s or not self._script[0].is_from_host):
            self._inbox += self._script.pop(0).data

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Return the next frame of the script.

        Raises:
            OutcomeUnknown: The script has no reply here; the deadline passes first.
            ProtocolError: It is longer than `max_bytes`.
        """
        if not terminator and len(self._inbox) >= max_bytes:
            frame = bytes(self._inbox[:max_bytes])
            del self._inbox[:max_bytes]
            return frame
        if not terminator or terminator not in self._inbox:
            await asyncio.sleep(timeout_s)
            raise OutcomeUnknown(f"no reply on line {self._name} within {timeout_s:g} s")
        frame, _, rest = bytes(self._inbox).partition(terminator)
        if len(frame) + len(terminator) > max_bytes:
            raise ProtocolError(f"more than {max_bytes} bytes without an end", bytes(self._inbox))
        self._inbox[:] = rest
        return frame + terminator
