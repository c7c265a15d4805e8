"""The far ends of real wires: a pseudo-terminal or a listening socket with devices behind it."""

import asyncio
import logging
import os
import tty
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, Protocol

from typing_extensions import override

from drivers.errors import LineError
from simulators.device import Reply, SimulatedDevice

__all__ = ["DeviceEnd", "PtyWire", "SocketWire", "Wire"]

logger = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
_BITS_PER_BYTE: Final = 10
_READ_BYTES: Final = 4096


class DeviceEnd:
    """What hangs on one wire: it hears and answers in the time that the bytes take on the wire.

    The same bytes at the same times as of a `SimulatedLine`, as far as timers go.

    Args:
        devices: Each hears every byte.
        baudrate: Bits a second of a serial line; None is a network that takes no time.
        on_heard: Called after the devices have heard something.
    """

    def __init__(
        self,
        devices: Sequence[SimulatedDevice],
        baudrate: int | None,
        on_heard: Callable[[], None],
    ) -> None:
        self._devices = tuple(devices)
        self._baudrate = baudrate
        self._on_heard = on_heard
        self._free_at_s = 0.0
        self._timers: set[asyncio.TimerHandle] = set()

    def hear(self, data: bytes, send: Callable[[bytes], None]) -> None:
        """Take bytes that begin to come over the wire.

        Args:
            data: The bytes.
            send: Takes what is answered, when the last byte of it is through.
        """
        if self._baudrate is None:
            self._deliver(data, send)
            return
        now_s = asyncio.get_running_loop().time()
        self._free_at_s = max(now_s, self._free_at_s) + self._wire_s(data)
        self._later(self._free_at_s - now_s, lambda: self._deliver(data, send))

    def hang_up(self) -> None:
        """Forget what is on its way and the beginnings of requests; the devices go on."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._free_at_s = 0.0
        self.forget_halves()

    def forget_halves(self) -> None:
        """Forget the beginnings of requests; what is on its way arrives."""
        for device in self._devices:
            device.hang_up()

    def _deliver(self, data: bytes, send: Callable[[bytes], None]) -> None:
        for device in self._devices:
            for reply in device.receive(data):
                self._send_later(reply, send)
        self._on_heard()

    def _send_later(self, reply: Reply, send: Callable[[bytes], None]) -> None:
        def due() -> None:
            if reply.is_called_off is None or not reply.is_called_off():
                send(reply.data)

        self._later(reply.delay_s + self._wire_s(reply.data), due)

    def _later(self, delay_s: float, call: Callable[[], None]) -> None:
        def ring() -> None:
            self._timers.discard(timer)
            call()

        timer = asyncio.get_running_loop().call_later(delay_s, ring)
        self._timers.add(timer)

    def _wire_s(self, data: bytes) -> float:
        if self._baudrate is None:
            return 0.0
        return len(data) * _BITS_PER_BYTE / self._baudrate


class Wire(Protocol):
    """A wire that can be pulled out and put back."""

    @property
    def settings(self) -> dict[str, object]:
        """What the rig file must say of the line to get here."""
        ...

    async def plug_in(self) -> None:
        """Open the far end; a wire that is in stays as it is.

        Raises:
            LineError: The machine has no terminal left, or the port is taken.
        """
        ...

    def unplug(self) -> None:
        """Close the far end: whoever holds the near one gets the errors of the machine."""
        ...


class PtyWire:
    """A pseudo-terminal behind a symbolic link that stays the same.

    The near end is held open here as well, so that clients may come and go: what was sent while
    nobody read waits in the terminal, some 4 kB of it, as in the buffer of a serial port.

    Args:
        link: Path of the symbolic link.
        end: What hangs on it.
    """

    def __init__(self, link: Path, end: DeviceEnd) -> None:
        self._link = link
        self._end = end
        self._far = -1
        self._near = -1

    @property
    def settings(self) -> dict[str, object]:
        """The port, which is the link."""
        return {"kind": "serial", "port": str(self._link)}

    async def plug_in(self) -> None:
        """Open a fresh terminal and let the link lead to it."""
        if self._far >= 0:
            return
        try:
            self._far, self._near = os.openpty()
        except OSError as error:
            raise LineError(f"no pseudo-terminal for {self._link}") from error
        tty.setraw(self._far)
        tty.setraw(self._near)
        os.set_blocking(self._far, False)
        beside = self._link.with_name(f".{self._link.name}")
        beside.unlink(missing_ok=True)
        beside.symlink_to(os.ttyname(self._near))
        beside.replace(self._link)
        asyncio.get_running_loop().add_reader(self._far, self._hear)

    def unplug(self) -> None:
        """Close the terminal and take the link away."""
        if self._far < 0:
            return
        asyncio.get_running_loop().remove_reader(self._far)
        self._end.hang_up()
        self._link.unlink(missing_ok=True)
        os.close(self._far)
        os.close(self._near)
        self._far = self._near = -1

    def _hear(self) -> None:
        self._end.hear(os.read(self._far, _READ_BYTES), self._send)

    def _send(self, data: bytes) -> None:
        try:
            n_taken = os.write(self._far, data)
        except BlockingIOError:
            n_taken = 0
        if n_taken < len(data):
            logger.warning("%s: nobody reads; %d bytes lost", self._link, len(data) - n_taken)


class _Guest(asyncio.Protocol):
    """One connection to a socket wire."""

    def __init__(self, wire: "SocketWire") -> None:
        self._wire = wire
        self.transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self.transport = transport
            self._wire.guests.add(self)

    @override
    def data_received(self, data: bytes) -> None:
        self._wire.hear(self, data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._wire.miss(self)

    def send(self, data: bytes) -> None:
        """Send bytes, if somebody is still there."""
        if self.transport is not None:
            self.transport.write(data)


class SocketWire:
    """A listening socket on the loopback whose port stays the same.

    Each connection is a conversation of its own: no request begins in one and ends in another.

    Args:
        kind: Of the line that leads here.
        port: Where it listens; 0 takes a free one the first time.
        end: What hangs on it; a reply goes to the connection that asked.
    """

    def __init__(self, kind: Literal["http", "tcp"], port: int, end: DeviceEnd) -> None:
        self.port = port
        self.guests: set[_Guest] = set()
        """Who is connected."""
        self._kind = kind
        self._end = end
        self._talker: _Guest | None = None
        self._server: asyncio.Server | None = None

    @property
    def settings(self) -> dict[str, object]:
        """Host and port."""
        return {"kind": self._kind, "host": HOST, "port": self.port}

    async def plug_in(self) -> None:
        """Listen."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Guest(self), HOST, self.port)
        except OSError as error:
            raise LineError(f"port {self.port} of {HOST} is taken") from error
        self.port = self._server.sockets[0].getsockname()[1]

    def unplug(self) -> None:
        """Stop listening and cut every connection off."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for guest in tuple(self.guests):
            if guest.transport is not None:
                guest.transport.abort()
        self.guests.clear()
        self._end.hang_up()

    def hear(self, guest: _Guest, data: bytes) -> None:
        """Take what a guest sends; the half request of another ends here."""
        if self._talker is not guest:
            self._end.forget_halves()
            self._talker = guest
        self._end.hear(data, guest.send)

    def miss(self, guest: _Guest) -> None:
        """Take leave of a guest and of its half request."""
        self.guests.discard(guest)
        if self._talker is guest:
            self._talker = None
            self._end.forget_halves()
        if not self.guests:
            self._end.hang_up()
