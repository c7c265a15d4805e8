"""A line that keeps everything that goes over another one, to be written as a transcript."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drivers.clock import Clock
from drivers.dialogue import Frame
from drivers.line import MAX_FRAME_BYTES, Line

__all__ = ["RecordingLine"]

_LEAST_WAIT_S = 0.5


class RecordingLine:
    """Passes everything on and keeps it.

    Args:
        line: The wire itself.
        clock: Tells how long nothing was said.
    """

    def __init__(self, line: Line, clock: Clock) -> None:
        self._line = line
        self._clock = clock
        self._frames: list[Frame] = []
        self._is_reply_open = False
        self._spoken_s = clock.monotonic_s()

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._line.name

    def take(self) -> tuple[Frame, ...]:
        """Return what went over it since the last call."""
        frames, self._frames = tuple(self._frames), []
        self._is_reply_open = False
        return frames

    async def open(self) -> None:
        """Open the wire; see `Line.open`."""
        await self._line.open()

    async def close(self) -> None:
        """Close the wire; see `Line.close`."""
        await self._line.close()

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Hold the line; see `Line.exchange`."""
        async with self._line.exchange():
            yield

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Send bytes; see `Line.write`. What was not sent is not kept."""
        await self._line.write(data, timeout_s=timeout_s)
        silence_s = round(self._clock.monotonic_s() - self._spoken_s, 1)
        if self._frames and silence_s >= _LEAST_WAIT_S:
            self._frames.append(Frame(b"", is_from_host=True, wait_s=silence_s))
        self._frames.append(Frame(data, is_from_host=True))
        self._is_reply_open = False
        self._spoken_s = self._clock.monotonic_s()

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Return a frame; see `Line.read_until`. Pieces told by length are kept as one frame."""
        data = await self._line.read_until(terminator, timeout_s=timeout_s, max_bytes=max_bytes)
        if self._is_reply_open and not terminator:
            data_so_far = self._frames.pop().data
            self._frames.append(Frame(data_so_far + data, is_from_host=False))
        else:
            self._frames.append(Frame(data, is_from_host=False))
        self._is_reply_open = not terminator
        self._spoken_s = self._clock.monotonic_s()
        return data
