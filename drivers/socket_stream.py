"""One connected socket as lines use it: deadlines that are total, bytes that are bounded."""

import asyncio
import os
import ssl
from typing import Final, Self

from typing_extensions import override

from drivers.clock import Clock
from drivers.errors import LineError, LineTimeout, OutcomeUnknown
from drivers.line import MAX_FRAME_BYTES, evidence_of, take_frame

__all__ = ["SocketStream"]

MAX_INBOX_BYTES: Final = 16 * MAX_FRAME_BYTES
"""What nobody reads is forgotten beyond this, the oldest first."""


class _Inbox(asyncio.Protocol):
    """Bytes as they come, and a bell that rings when some do or when the peer is gone."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.bell = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.is_lost = False
        self.has_dropped = False
        """Whether bytes that were to be sent went down with the connection."""

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
        self.has_dropped = not self.may_write.is_set()
        self.may_write.set()
        self.bell.set()

    @override
    def pause_writing(self) -> None:
        self.may_write.clear()

    @override
    def resume_writing(self) -> None:
        self.may_write.set()


class SocketStream:
    """A connected TCP socket, perhaps with TLS, until it is aborted or its peer is gone.

    Made by `connected`.

    Args:
        line_name: Of the line that it belongs to, for errors.
        transport: The connected socket.
        inbox: The protocol of that transport.
        clock: Whose deadlines it keeps.
    """

    def __init__(
        self, line_name: str, transport: asyncio.Transport, inbox: _Inbox, clock: Clock
    ) -> None:
        self._name = line_name
        self._transport = transport
        self._inbox = inbox
        self._clock = clock

    @classmethod
    async def connected(
        cls,
        line_name: str,
        clock: Clock,
        *,
        host: str,
        port: int,
        timeout_s: float,
        tls: ssl.SSLContext | None = None,
    ) -> Self:
        """Connect and, with TLS, verify who answers.

        Args:
            line_name: Of the line that it belongs to, for errors.
            clock: Whose deadlines it keeps.
            host: Name or address.
            port: 1 to 65535.
            timeout_s: Total deadline, the handshake included, in seconds.
            tls: What is trusted; None is plain TCP.

        Raises:
            LineError: Nobody answers, or not whom the certificate authorities vouch for.
        """
        server_hostname = host if tls is not None else None
        try:
            async with asyncio.timeout(max(timeout_s, clock.shortest_wait_s)):
                transport, inbox = await asyncio.get_running_loop().create_connection(
                    _Inbox, host, port, ssl=tls, server_hostname=server_hostname
                )
        except (OSError, UnicodeError) as error:
            reason = _why_not_connected(error)
            raise LineError(
                f"line {line_name}: cannot connect to {host}:{port}: {reason}"
            ) from error
        # A limit of 0 would never let a writer go on under TLS: its empty buffer counts as full.
        transport.set_write_buffer_limits(high=0 if tls is None else 1)
        return cls(line_name, transport, inbox, clock)

    @property
    def is_lost(self) -> bool:
        """Whether the peer is gone or the socket was aborted."""
        return self._inbox.is_lost

    async def abort(self) -> None:
        """Let go of the socket at once; what is not out yet never goes out."""
        self._transport.abort()
        await asyncio.sleep(0)

    async def discard_input(self) -> None:
        """Forget what has come and was not read."""
        await asyncio.sleep(0)  # lets the loop fetch what the socket already holds
        self._inbox.data.clear()

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Send bytes.

        A device acts on complete requests only: bytes that the socket did not take in time are
        dropped together with the connection, and an incomplete request does nothing.

        Raises:
            LineError: The peer is gone, or went before it took everything.
            LineTimeout: The socket did not take them in time; nothing complete was sent.
        """
        if self._inbox.is_lost:
            raise LineError(f"line {self._name} is closed; this request was not sent")
        self._transport.write(data)
        try:
            async with asyncio.timeout(max(timeout_s, self._clock.shortest_wait_s)):
                await self._inbox.may_write.wait()
        except TimeoutError as error:
            await self.abort()
            raise LineTimeout(
                f"line {self._name} took no bytes within {timeout_s:g} s; this request was not sent"
            ) from error
        if self._inbox.has_dropped:
            raise LineError(f"line {self._name} went down before it took the whole request")

    async def read_until(self, terminator: bytes, *, timeout_s: float, max_bytes: int) -> bytes:
        """Return the bytes up to and including a terminator, as `drivers.line.Line` says.

        Raises:
            OutcomeUnknown: The frame did not come, or the peer went away in the middle.
            ProtocolError: More than `max_bytes` came without a terminator.
        """
        inbox = self._inbox
        try:
            async with asyncio.timeout(max(timeout_s, self._clock.shortest_wait_s)):
                while (frame := take_frame(inbox.data, terminator, max_bytes)) is None:
                    if inbox.is_lost:
                        raise OutcomeUnknown(
                            f"line {self._name} went down before the reply came",
                            evidence_of(inbox.data),
                            is_line_down=True,
                        )
                    inbox.bell.clear()
                    await inbox.bell.wait()
        except TimeoutError as error:
            raise OutcomeUnknown(
                f"no reply on line {self._name} within {timeout_s:g} s", evidence_of(inbox.data)
            ) from error
        return frame


def _why_not_connected(error: OSError | UnicodeError) -> str:
    """Return what the system says, without Python's own words for it."""
    if isinstance(error, UnicodeError):
        return "this cannot be the name of a host"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"it does not speak TLS as we do: {error.reason or error}"
    if error.errno is None:
        return "nobody answers"
    return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
