"""A line to a device that speaks HTTP: a connection of its own for each exchange.

Servers drop idle connections when they like, and a request on a dropped one cannot be told from a
request that was lost. What the bytes mean is the driver's business.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drivers.clock import Clock
from drivers.errors import LineError, OutcomeUnknown, RigError, rig_error_from
from drivers.line import MAX_FRAME_BYTES
from drivers.socket_stream import SocketStream

__all__ = ["HttpLine", "HttpLineSettings"]

logger = logging.getLogger(__name__)


class HttpLineSettings(BaseModel):
    """The table ``[lines.<name>]`` of kind ``http``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1)
    """Name or address of the device."""
    port: int = Field(ge=1, le=65_535)
    """80 is usual, 443 with TLS."""
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)
    """How long connecting may take, the handshake included, in seconds."""
    is_tls: bool = False
    """Whether to speak TLS; the certificate is always verified."""
    ca_file: Path | None = None
    """Certificates of the authorities to trust instead of the system's, in PEM; needs `is_tls`."""

    @model_validator(mode="after")
    def _refuse_ca_file_without_tls(self) -> "HttpLineSettings":
        if self.ca_file is not None and not self.is_tls:
            raise ValueError("ca_file is given, so is_tls must be true")
        return self


class HttpLine:
    """A TCP or TLS connection that lives for one exchange.

    Args:
        name: The line's name in the rig file.
        settings: Where the device listens.
        tls: What is trusted; None is plain TCP.
        clock: Whose deadlines it keeps.
    """

    def __init__(
        self, name: str, settings: HttpLineSettings, tls: ssl.SSLContext | None, clock: Clock
    ) -> None:
        self._name = name
        self._settings = settings
        self._tls = tls
        self._clock = clock
        self._lock = asyncio.Lock()
        self._stream: SocketStream | None = None
        self._is_open = False

    @classmethod
    def from_settings(cls, name: str, settings: Mapping[str, object], clock: Clock) -> "HttpLine":
        """Build the line; nothing is opened but `ca_file`.

        Raises:
            RigError: A setting is missing, unknown or wrong, or `ca_file` cannot be used.
        """
        try:
            checked = HttpLineSettings.model_validate(settings)
        except ValidationError as error:
            raise rig_error_from(f"lines.{name}", error, HttpLineSettings) from error
        return cls(name, checked, _trust(name, checked), clock)

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._name

    async def open(self) -> None:
        """See that the device takes connections; opening an open line looks again.

        Raises:
            LineError: It takes none, or its certificate is not trusted.
        """
        self._is_open = False
        probe = await self._connected()
        await probe.abort()
        self._is_open = True
        logger.info(
            "line %s: %s:%d takes connections", self._name, self._settings.host, self._settings.port
        )

    async def close(self) -> None:
        """Close the line; closing twice does nothing."""
        self._is_open = False
        await self._hang_up()

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Hold the line for one request and its reply, which have a connection of their own."""
        async with self._lock:
            try:
                yield
            finally:
                await self._hang_up()

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Send bytes; the first ones of an exchange connect.

        Raises:
            LineError: The device takes no connection, or dropped it; nothing was sent.
            LineTimeout: The socket did not take them in time; nothing complete was sent.
        """
        if not self._is_open:
            raise LineError(f"line {self._name} is closed; this request was not sent")
        if self._stream is None:
            self._stream = await self._connected()
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

    async def _connected(self) -> SocketStream:
        settings = self._settings
        return await SocketStream.connected(
            self._name,
            self._clock,
            host=settings.host,
            port=settings.port,
            timeout_s=settings.connect_timeout_s,
            tls=self._tls,
        )

    async def _hang_up(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.abort()


def _trust(name: str, settings: HttpLineSettings) -> ssl.SSLContext | None:
    """Return what is trusted: the system's authorities, or those of a file alone.

    Raises:
        RigError: The file cannot be read, or holds no certificate.
    """
    if not settings.is_tls:
        return None
    if settings.ca_file is None:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        expected = f"a readable file of PEM certificates ({error.strerror or error})"
        raise RigError(
            f"lines.{name}.ca_file", got=str(settings.ca_file), expected=expected
        ) from error
