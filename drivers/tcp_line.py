"""A line over a TCP socket that stays connected."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.clock import Clock
from drivers.errors import LineError, OutcomeUnknown, rig_error_from
from drivers.line import MAX_FRAME_BYTES
from drivers.socket_stream import SocketStream

__all__ = ["TcpLine", "TcpLineSettings"]

logger = logging.getLogger(__name__)


class TcpLineSettings(BaseModel):
    """The table ``[lines.<name>]`` of kind ``tcp``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1)
    """Name or address of the device."""
    port: int = Field(ge=1, le=65_535)
    """5025 is usual for SCPI."""
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)
    """How long connecting may take, in seconds."""


class TcpLine:
    """A raw TCP socket to one device.

    Args:
        name: The line's name in the rig file.
        settings: Where the device is.
        clock: Of which no deadline here falls below the shortest.
    """

    def __init__(self, name: str, settings: TcpLineSettings, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._stream: SocketStream | None = None

    @classmethod
    def from_settings(cls, name: str, settings: Mapping[str, object], clock: Clock) -> "TcpLine":
        """Build the line; nothing is opened.

        Raises:
            RigError: A setting is missing, unknown or wrong.
        """
        try:
            return cls(name, TcpLineSettings.model_validate(settings), clock)
        except ValidationError as error:
            raise rig_error_from(f"lines.{name}", error, TcpLineSettings) from error

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._name

    async def open(self) -> None:
        """Connect; a line that the device closed is connected afresh.

        Raises:
            LineError: Nobody answers there.
        """
        if self._stream is not None and not self._stream.is_lost:
            return
        await self.close()
        settings = self._settings
        self._stream = await SocketStream.connected(
            self._name,
            self._clock,
            host=settings.host,
            port=settings.port,
            timeout_s=settings.connect_timeout_s,
        )
        logger.info("line %s: connected to %s:%d", self._name, settings.host, settings.port)

    async def close(self) -> None:
        """Close the socket; closing twice does nothing."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.abort()

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Hold the line for one request and its reply; stale input is discarded on entry."""
        async with self._lock:
            if self._stream is not None:
                await self._stream.discard_input()
            yield

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Send bytes.

        Raises:
            LineError: The line is down; nothing was sent.
            LineTimeout: The socket did not take them in time; nothing complete was sent.
        """
        if self._stream is None:
            raise LineError(f"line {self._name} is closed; this request was not sent")
        await self._stream.write(data, timeout_s=timeout_s)

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Return the bytes up to and including a terminator.

        Raises:
            OutcomeUnknown: The frame did not come, or the line went down in the middle.
            ProtocolError: More than `max_bytes` came without a terminator.
        """
        if self._stream is None:
            raise OutcomeUnknown(f"line {self._name} was closed before the reply came")
        return await self._stream.read_until(terminator, timeout_s=timeout_s, max_bytes=max_bytes)
