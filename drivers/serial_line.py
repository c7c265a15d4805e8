"""A line over a serial port; the only module that speaks to pyserial.

One thread belongs to the port: every call to pyserial that may wait runs there, and none lasts
longer than a fraction of a second, so that a deadline or a cancellation is never far away.
"""

import asyncio
import contextlib
import errno
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import serial
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from serial.tools import list_ports

from drivers.clock import Clock
from drivers.errors import LineError, LineTimeout, OutcomeUnknown, rig_error_from
from drivers.line import MAX_FRAME_BYTES, evidence_of, take_frame

try:
    from termios import error as TerminalError  # noqa: N812 - it is a class, whatever its name
except ImportError:  # there are no terminals on Windows, and no such error
    TerminalError = OSError  # type: ignore[assignment, misc]  # stands in for the missing class

__all__ = ["SerialLine", "SerialLineSettings", "UsbPort", "usb_ports"]

logger = logging.getLogger(__name__)

READ_SLICE_S = 0.05
"""How long one call to the port may wait for bytes."""


@dataclass(frozen=True, slots=True)
class UsbPort:
    """A serial port that hangs on USB."""

    path: str
    """Its device file, which another plugging-in may change."""
    serial_number: str
    """As the adapter says it, which stays the same."""
    description: str
    """What it calls itself."""


def usb_ports() -> list[UsbPort]:
    """Return the serial ports on USB that are plugged in and have a serial number."""
    return [
        UsbPort(found.device, found.serial_number, found.description)
        for found in list_ports.comports()
        if found.serial_number
    ]


class SerialLineSettings(BaseModel):
    """The table ``[lines.<name>]`` of kind ``serial``: `port` or `usb_serial_number`, not both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: str | None = Field(default=None, min_length=1)
    """Device file, best one under /dev/serial/by-id."""
    usb_serial_number: str | None = Field(default=None, min_length=1)
    """Of the USB adapter; its device file is looked up each time the line is opened."""
    baudrate: int = Field(default=9600, ge=300, le=4_000_000)
    """Bits a second."""
    byte_size: Literal[7, 8] = 8
    """Data bits."""
    parity: Literal["N", "E", "O"] = "N"
    """None, even, odd."""
    stop_bits: Literal[1, 2] = 1
    """Stop bits."""

    @model_validator(mode="after")
    def _refuse_no_or_two_places(self) -> "SerialLineSettings":
        if (self.port is None) == (self.usb_serial_number is None):
            raise ValueError("exactly one of port and usb_serial_number must be given")
        return self


class SerialLine:
    """A serial port that this process holds alone.

    Args:
        name: The line's name in the rig file.
        settings: Which port, and its parameters.
        clock: Through which its thread is called.
        find_ports: Returns what is plugged in, for settings with a `usb_serial_number`.
    """

    def __init__(
        self,
        name: str,
        settings: SerialLineSettings,
        clock: Clock,
        find_ports: Callable[[], Sequence[UsbPort]] = usb_ports,
    ) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._find_ports = find_ports
        self._lock = asyncio.Lock()
        self._port: serial.Serial | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._inbox = bytearray()
        self._inbox_lock = threading.Lock()
        self._in_call = threading.Lock()
        """Held while the port is spoken to."""

    @classmethod
    def from_settings(cls, name: str, settings: Mapping[str, object], clock: Clock) -> "SerialLine":
        """Build the line; nothing is opened.

        Raises:
            RigError: A setting is missing, unknown or wrong.
        """
        try:
            return cls(name, SerialLineSettings.model_validate(settings), clock)
        except ValidationError as error:
            raise rig_error_from(f"lines.{name}", error, SerialLineSettings) from error

    @property
    def name(self) -> str:
        """The line's name in the rig file."""
        return self._name

    async def open(self) -> None:
        """Open the port for this process alone; opening an open port does nothing.

        A port whose cable has fallen out meanwhile is opened afresh.

        Raises:
            LineError: It does not exist, may not be used, or somebody else holds it; or the
                `usb_serial_number` is that of no port that is plugged in, or of several.
        """
        if self._port is not None:
            try:
                await self._call(_refuse_hung_up)
            except OSError:
                await self._lose()
            else:
                return
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"line-{self._name}")
        try:
            self._port = await self._clock.call_blocking(self._opened_port, thread)
        except LineError:
            thread.shutdown(wait=False)
            raise
        self._thread = thread
        logger.info("line %s: opened %s", self._name, self._port.port)

    async def close(self) -> None:
        """Close the port and end its thread; closing twice does nothing."""
        port, thread = self._port, self._thread
        self._port = self._thread = None
        if port is not None and thread is not None:
            await self._clock.call_blocking(port.close, thread)
            thread.shutdown(wait=False)

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Hold the line for one request and its reply; stale input is discarded on entry."""
        async with self._lock:
            if self._port is not None:
                try:
                    await self._discard_input()
                except OSError:
                    await self._lose()
            yield

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Send bytes.

        Raises:
            LineError: The line is down; nothing was sent.
            LineTimeout: The port did not take them in time; nothing complete was sent.
        """
        write_timeout_s = self._clock.real_s(max(timeout_s, self._clock.shortest_wait_s))

        def send(port: serial.Serial) -> None:
            if port.write_timeout != write_timeout_s:  # setting it configures the whole port anew
                port.write_timeout = write_timeout_s
            try:
                port.write(data)
            except serial.SerialTimeoutException:
                port.reset_output_buffer()
                raise

        if self._port is None:
            raise LineError(f"line {self._name} is closed; this request was not sent")
        try:
            await self._call(send)
        except serial.SerialTimeoutException as error:
            raise LineTimeout(
                f"line {self._name} took no bytes within {timeout_s:g} s; this request was not sent"
            ) from error
        except OSError as error:
            await self._lose()
            raise LineError(f"line {self._name} is down; this request was not sent") from error

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Return the bytes up to and including a terminator.

        Raises:
            OutcomeUnknown: The frame did not come, or the line went down in the middle.
            ProtocolError: More than `max_bytes` came without a terminator.
        """
        try:
            async with asyncio.timeout(max(timeout_s, self._clock.shortest_wait_s)):
                while (frame := self._take_frame(terminator, max_bytes)) is None:
                    await self._call(self._receive)
        except TimeoutError as error:
            raise OutcomeUnknown(
                f"no reply on line {self._name} within {timeout_s:g} s", evidence_of(self._inbox)
            ) from error
        except OSError as error:
            evidence = evidence_of(self._inbox)
            await self._lose()
            raise OutcomeUnknown(
                f"line {self._name} went down before the reply came", evidence, is_line_down=True
            ) from error
        return frame

    def _opened_port(self) -> serial.Serial:
        settings = self._settings
        path = settings.port if settings.port is not None else self._looked_up()
        try:
            return serial.Serial(
                path,
                settings.baudrate,
                bytesize=settings.byte_size,
                parity=settings.parity,
                stopbits=settings.stop_bits,
                timeout=READ_SLICE_S,
                exclusive=True,
            )
        except (OSError, ValueError) as error:
            reason = _why_not_open(path, error)
            raise LineError(f"line {self._name}: cannot open {path}: {reason}") from error

    def _looked_up(self) -> str:
        """Return the device file that the adapter has now.

        Raises:
            LineError: It is not plugged in, or several ports have its serial number.
        """
        wanted = self._settings.usb_serial_number
        there = self._find_ports()
        paths = [port.path for port in there if port.serial_number == wanted]
        if len(paths) == 1:
            return paths[0]
        whose = f"line {self._name}: USB serial number {wanted!r}"
        if paths:
            raise LineError(
                f"{whose} belongs to several ports: {', '.join(sorted(paths))}; "
                "name one by port (ls /dev/serial/by-id)"
            )
        known = ", ".join(
            f"{port.serial_number!r} at {port.path} ({port.description})" for port in there
        )
        raise LineError(f"{whose} is not plugged in; there is {known or 'none at all'}")

    async def _call(self, function: Callable[[serial.Serial], None]) -> None:
        """Run a function of the port in its thread.

        Raises:
            OSError: The port is closed or gone.
        """
        port, thread = self._port, self._thread
        if port is None or thread is None:
            raise OSError(f"line {self._name} is closed")

        def call() -> None:
            with self._in_call:
                _spoken_to(port, function)

        await self._clock.call_blocking(call, thread)

    async def _lose(self) -> None:
        """Let go of a port that failed, so that `open` opens it afresh."""
        lost = self._port.port if self._port is not None else "its port"
        logger.warning("line %s: lost %s", self._name, lost)
        with contextlib.suppress(OSError):
            await self.close()

    async def _discard_input(self) -> None:
        """Forget what has come; while the port's thread is idle, this need not wait for it.

        Raises:
            OSError: The port is closed or gone.
        """
        if self._port is None or not self._in_call.acquire(blocking=False):
            await self._call(self._discard)
            return
        try:
            _spoken_to(self._port, self._discard)
        finally:
            self._in_call.release()

    def _discard(self, port: serial.Serial) -> None:
        port.reset_input_buffer()
        with self._inbox_lock:
            self._inbox.clear()

    def _receive(self, port: serial.Serial) -> None:
        """Wait a little for a first byte and fetch what has come with it."""
        data = port.read(1)
        data += port.read(port.in_waiting)
        with self._inbox_lock:
            self._inbox += data

    def _take_frame(self, terminator: bytes, max_bytes: int) -> bytes | None:
        with self._inbox_lock:
            return take_frame(self._inbox, terminator, max_bytes)


def _spoken_to(port: serial.Serial, function: Callable[[serial.Serial], None]) -> None:
    """Run a function of a port.

    Raises:
        OSError: The port is closed or gone, whatever pyserial and the terminal call that.
    """
    try:
        function(port)
    except TerminalError as error:
        raise OSError(str(error)) from error


def _why_not_open(port: str, error: OSError | ValueError) -> str:
    """Return what the system says, and what usually helps."""
    number = error.errno if isinstance(error, OSError) else None
    if number is None:
        return str(error)
    said = os.strerror(number)
    match number:
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            remedy = "plug its cable in, or name the port that is there (ls /dev/serial/by-id)"
        case errno.EACCES | errno.EPERM:
            remedy = "join the group that owns it (often dialout), then log in again"
        case errno.EAGAIN | errno.EBUSY:
            remedy = f"another program holds it; `fuser {port}` tells which"
        case _:
            return said
    return f"{said}; {remedy}"


def _refuse_hung_up(port: serial.Serial) -> None:
    """Let only a port pass that still has something at its other end.

    Raises:
        OSError: It hangs in the air.
    """
    _ = port.in_waiting
