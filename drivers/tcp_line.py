"""A line over a TCP socket."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import override

from drivers.clock import Clock
from drivers.errors import LineError, LineTimeout, OutcomeUnknown, ProtocolError, rig_error_from
from drivers.line import MAX_FRAME_BYTES

__all__ = ["TcpLine", "TcpLineSettings"]

logger = logging.getLogger(__name__)

MAX_INBOX_BYTES = 4 * MAX_FRAME_BYTES


class TcpLineSettings(BaseModel):
    """The table ``[lines.<name>]`` of kind ``tcp``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1)
    """Name or address of the device."""
    port: int = Field(ge=1, le=65_535)
    """5025 is usual for SCPI."""
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)
    """How long connecting may take, in seconds."""


class _Inbox(asyncio.Protocol):
    """Bytes as they come, and a bell that rings when some do or when the peer is gone."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.bell = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.is_lost = False

    @override
    def data_received(self, data: bytes) -> None:
        self.data += data
        del self.data[:-MAX_INBOX_BYTES]
        self.bell.set()

    @override
    def eof_received(self) -> bool:
        return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self.may_write.set()
        self.bell.set()

    @override
    def pause_writing(self) -> None:
        self.may_write.clear()

    @override
    def resume_writing(self) -> None:
        self.may_write.set()


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
        self._wire: tuple[asyncio.Transport, _Inbox] | None = None

    @classmethod
    def from_settings(cls, name: str, settings: Mapping[str, object], clock: Clock) -> "TcpLine":
        """Build the line; nothing is opened.

        Raises:
            RigError: A setting is missing, unknown or wrong.
        """
        try:
            return cls(name, TcpLineSettings.model_validate(settings), clock)
        except ValidationError as error:
            raise rig_error_from(f"lines.{name}", error) from error

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._name

    async def open(self) -> None:
        """Connect; a line that the device closed is connected afresh.

        Raises:
            LineError: Nobody answers there.
        """
        if self._wire is not None and not self._wire[1].is_lost:
            return
        await self.close()
        host, port = self._settings.host, self._settings.port
        try:
            async with self._deadline(self._settings.connect_timeout_s):
                loop = asyncio.get_running_loop()
                transport, inbox = await loop.create_connection(_Inbox, host, port)
        except (OSError, TimeoutError) as error:
            where = f"{host}:{port}"
            reason = _why_not_connected(error)
            raise LineError(f"line {self._name}: cannot connect to {where}: {reason}") from error
        transport.set_write_buffer_limits(high=0)
        self._wire = (transport, inbox)
        logger.info("line %s: connected to %s:%d", self._name, host, port)

    async def close(self) -> None:
        """Close the socket; closing twice does nothing."""
        if self._wire is not None:
            self._wire[0].abort()
            self._wire = None
            await asyncio.sleep(0)

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Hold the line for one request and its reply; stale input is discarded on entry."""
        async with self._lock:
            await asyncio.sleep(0)  # lets the loop fetch what the socket already holds
            if self._wire is not None:
                self._wire[1].data.clear()
            yield

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Send bytes.

        A device acts on complete lines only: bytes that the socket did not take in time are
        dropped together with the connection, and an incomplete request does nothing.

        Raises:
            LineError: The line is down; nothing was sent.
            LineTimeout: The socket did not take them in time; nothing complete was sent.
        """
        if self._wire is None or self._wire[1].is_lost:
            raise LineError(f"line {self._name} is closed; this request was not sent")
        transport, inbox = self._wire
        transport.write(data)
        try:
            async with self._deadline(timeout_s):
                await inbox.may_write.wait()
        except TimeoutError as error:
            transport.abort()
            raise LineTimeout(
                f"line {self._name} took no bytes within {timeout_s:g} s; this request was not sent"
            ) from error

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Return the bytes up to and including a terminator.

        Raises:
            OutcomeUnknown: The frame did not come, or the line went down in the middle.
            ProtocolError: More than `max_bytes` came without a terminator.
        """
        if self._wire is None:
            raise OutcomeUnknown(f"line {self._name} was closed before the reply came")
        inbox = self._wire[1]
        try:
            async with self._deadline(timeout_s):
                while (frame := _take_frame(inbox.data, terminator, max_bytes)) is None:
                    if inbox.is_lost:
                        raise OutcomeUnknown(
                            f"line {self._name} went down before the reply came",
                            repr(bytes(inbox.data)),
                        )
                    inbox.bell.clear()
                    await inbox.bell.wait()
        except TimeoutError as error:
            raise OutcomeUnknown(
                f"no reply on line {self._name} within {timeout_s:g} s", repr(bytes(inbox.data))
            ) from error
        return frame

    def _deadline(self, timeout_s: float) -> asyncio.Timeout:
        return asyncio.timeout(max(timeout_s, self._clock.shortest_wait_s))


def _take_frame(inbox: bytearray, terminator: bytes, max_bytes: int) -> bytes | None:
    end = inbox.find(terminator, 0, max_bytes)
    if end < 0:
        if len(inbox) >= max_bytes:
            raw = bytes(inbox[:100])
            inbox.clear()
            raise ProtocolError(f"more than {max_bytes} bytes without an end", raw)
        return None
    size = end + len(terminator)
    frame = bytes(inbox[:size])
    del inbox[:size]
    return frame


def _why_not_connected(error: OSError) -> str:
    """Return what the system says, without Python's own words for it."""
    if error.errno is None:
        return "nobody answers"
    return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
