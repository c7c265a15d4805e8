"""A line that never opens: drivers are built on it when only their settings are judged."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drivers.errors import LineError
from drivers.line import MAX_FRAME_BYTES

__all__ = ["ClosedLine"]


class ClosedLine:
    """Stands where a driver wants a line and no byte may go out.

    Args:
        name: The line's name in the rig file.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._name

    async def open(self) -> None:
        """Refuse to open.

        Raises:
            LineError: Always.
        """
        raise self._refusal()

    async def close(self) -> None:
        """Do nothing: it never was open."""

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Refuse to be held.

        Raises:
            LineError: Always.
        """
        raise self._refusal()
        yield  # a generator it must be, though it never gets here

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Refuse to send.

        Raises:
            LineError: Always.
        """
        raise self._refusal()

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Refuse to read.

        Raises:
            LineError: Always.
        """
        raise self._refusal()

    def _refusal(self) -> LineError:
        return LineError(f"line {self._name} cannot be opened: it stands for checks only")
