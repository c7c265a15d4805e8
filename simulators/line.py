"""A wire that ends in pretend devices instead of a plug."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from drivers.clock import Clock
from drivers.errors import LineError, LineTimeout, OutcomeUnknown, ProtocolError
from drivers.line import MAX_FRAME_BYTES
from simulators.device import Reply, SimulatedDevice

__all__ = ["SimulatedLine"]

_BITS_PER_BYTE = 10
"""One start bit, eight data bits, one stop bit."""
_MOST_STALE_BYTES = 65_536


class SimulatedLine:
    """A line of a pretend bench; it keeps time on whatever event loop runs it.

    Every device on it hears every byte. Replies come after the device's delay and take their
    time on the wire; what arrives outside an exchange waits and is discarded by the next one.

    Args:
        name: The line's name in the rig file.
        devices: What hangs on it.
        clock: Through which it waits.
        baudrate: Bits a second of a serial line; None is a network that takes no time.
    """

    def __init__(
        self,
        name: str,
        devices: Sequence[SimulatedDevice],
        clock: Clock,
        *,
        baudrate: int | None,
    ) -> None:
        self._name = name
        self._devices = tuple(devices)
        self._clock = clock
        self._baudrate = baudrate
        self._lock = asyncio.Lock()
        self._arrived = asyncio.Event()
        self._buffer = b""
        self._timers: set[asyncio.TimerHandle] = set()
        self._is_open = False
        self._is_plugged = True

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._name

    async def open(self) -> None:
        """Open the wire; opening an open line does nothing.

        Raises:
            LineError: The plug is out.
        """
        if not self._is_plugged:
            raise LineError(f"line {self._name}: no such port")
        self._is_open = True

    async def close(self) -> None:
        """Close the wire; closing twice does nothing, and what was on its way is lost."""
        self._is_open = False
        self._forget_what_is_on_its_way()
        self._arrived.set()

    def unplug(self) -> None:
        """Pull the plug: what was on its way is lost, the line is down until `plug_in`."""
        self._is_plugged = False
        self._is_open = False
        self._forget_what_is_on_its_way()
        self._arrived.set()

    def plug_in(self) -> None:
        """Put the plug back; the line can be opened again."""
        self._is_plugged = True

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Hold the line for one request and its reply; stale input is discarded on entry."""
        async with self._lock:
            self._buffer = b""
            yield

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Send bytes; the devices hear them when the last one is through.

        Raises:
            LineError: The line is down; nothing was sent.
            LineTimeout: The line did not take them in time; nothing was sent.
        """
        self._refuse_when_down()
        try:
            async with asyncio.timeout(timeout_s):
                await self._clock.sleep(self._wire_s(data))
        except TimeoutError as error:
            raise LineTimeout(f"line {self._name} took nothing in {timeout_s:g} s") from error
        self._refuse_when_down()
        loop = asyncio.get_running_loop()
        for device in self._devices:
            for reply in device.receive(data):
                self._send_later(loop, reply)

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
        try:
            async with asyncio.timeout(timeout_s):
                while (frame := self._frame(terminator, max_bytes)) is None:
                    self._arrived.clear()
                    if not self._is_open:
                        raise OutcomeUnknown(
                            f"line {self._name} went down before the reply",
                            repr(self._buffer),
                            is_line_down=True,
                        )
                    await self._arrived.wait()
        except TimeoutError as error:
            reason = f"line {self._name}: no whole reply in {timeout_s:g} s"
            raise OutcomeUnknown(reason, repr(self._buffer)) from error
        return frame

    def _frame(self, terminator: bytes, max_bytes: int) -> bytes | None:
        """Take a whole frame out of what has arrived, if there is one."""
        if not terminator:
            if len(self._buffer) < max_bytes:
                return None
            frame, self._buffer = self._buffer[:max_bytes], self._buffer[max_bytes:]
            return frame
        head, found, rest = self._buffer.partition(terminator)
        if found and len(head) + len(found) <= max_bytes:
            self._buffer = rest
            return head + found
        if found or len(self._buffer) > max_bytes:
            raw, self._buffer = self._buffer, b""
            raise ProtocolError(f"more than {max_bytes} bytes without an end", raw)
        return None

    def _refuse_when_down(self) -> None:
        if not self._is_open:
            raise LineError(f"line {self._name} is not open")

    def _wire_s(self, data: bytes) -> float:
        if self._baudrate is None:
            return 0.0
        return len(data) * _BITS_PER_BYTE / self._baudrate

    def _send_later(self, loop: asyncio.AbstractEventLoop, reply: Reply) -> None:
        def arrive() -> None:
            self._timers.discard(timer)
            if reply.is_called_off is None or not reply.is_called_off():
                self._buffer = (self._buffer + reply.data)[-_MOST_STALE_BYTES:]
                self._arrived.set()

        timer = loop.call_later(reply.delay_s + self._wire_s(reply.data), arrive)
        self._timers.add(timer)

    def _forget_what_is_on_its_way(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._buffer = b""
