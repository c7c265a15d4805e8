"""One connection as the station sees it: lines in, lines out, never waiting for a slow reader."""

import asyncio
import logging
import os
import socket
import struct
from typing import Final

from orchestrator.core.point import Fact
from orchestrator.station.framing import MAX_LINE_BYTES, BadMessage, line_from
from orchestrator.station.messages import (
    EngineName,
    Failed,
    PersonName,
)

__all__ = ["Connection", "is_same_user"]

logger = logging.getLogger(__name__)

MAX_UNREAD_BYTES: Final = 4 * MAX_LINE_BYTES
"""A peer that leaves more than this unread is dropped."""


class Connection:
    """Whoever connected, and what is under way for them.

    Args:
        reader: With a limit of `MAX_LINE_BYTES`.
        writer: To the same peer.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.who: EngineName | PersonName | None = None
        """None before the hello."""

    @property
    def is_open(self) -> bool:
        """Whether something may be said."""
        return not self._writer.is_closing()

    @property
    def engine(self) -> EngineName | None:
        """The engine that it is, if it is one."""
        return self.who if isinstance(self.who, EngineName) else None

    @property
    def actor(self) -> str:
        """Who asks, as it stands in the log."""
        return self.who.name if isinstance(self.who, PersonName) else "engine"

    def peer(self) -> socket.socket | None:
        """Return the socket, if the transport has one."""
        found = self._writer.get_extra_info("socket")
        return found if found is not None else None

    async def next_line(self) -> bytes:
        """Return the next line, empty at the end.

        Raises:
            ValueError: The line is too long.
            ConnectionError: The peer is gone.
        """
        return await self._reader.readline()

    def say(self, message: Fact) -> None:
        """Send a message; a peer that does not read is dropped."""
        if self._writer.is_closing():
            return
        try:
            self._writer.write(line_from(message))
        except BadMessage as error:
            number = getattr(message, "number", 0)
            logger.exception("an answer was too long")
            failed = Failed(number=number, error="BadMessage", message=str(error))
            self._writer.write(line_from(failed))
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self._writer.transport.abort()

    def close(self) -> None:
        """Hang up after what was said has gone out."""
        self._writer.close()


def is_same_user(peer: socket.socket) -> bool:
    """Tell whether the process at the other end belongs to the user of this one."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:  # systems without it: the socket's folder is closed to others
        return True
    data = peer.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", data)
    return bool(user == os.getuid())
