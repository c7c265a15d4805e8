"""The serial line, against a real pseudo-terminal and in real time."""

import asyncio
import errno
import os
import threading
import tty
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import serial

from drivers.clock import SystemClock
from drivers.errors import LineError, LineTimeout, OutcomeUnknown, ProtocolError, RigError
from drivers.serial_line import SerialLine
from tests.support.virtual_time import error_of, in_real_time


@dataclass
class Terminal:
    """A pseudo-terminal: the device's end, and the path of the host's."""

    device: int
    host: int
    path: str


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    device, host = os.openpty()
    tty.setraw(device)
    tty.setraw(host)
    pair = Terminal(device, host, os.ttyname(host))
    yield pair
    for descriptor in (pair.device, pair.host):
        if descriptor >= 0:
            os.close(descriptor)


def line_at(path: str) -> SerialLine:
    return SerialLine.from_settings("pumps", {"port": path, "baudrate": 19200}, SystemClock())


async def answer(device: int, reply: bytes) -> bytes:
    """Read a request at the device's end and answer it."""
    loop = asyncio.get_running_loop()
    request: bytes = await loop.run_in_executor(None, os.read, device, 100)
    os.write(device, reply)
    return request


def test_a_request_goes_out_and_its_reply_comes_back(terminal: Terminal) -> None:
    async def main() -> tuple[bytes, bytes]:
        line = line_at(terminal.path)
        await line.open()
        async with asyncio.TaskGroup() as group, line.exchange():
            heard = group.create_task(answer(terminal.device, b"\x0201S\x03\x0202S\x03"))
            await line.write(b"01\r", timeout_s=1.0)
            reply = await line.read_until(b"\x03", timeout_s=2.0)
        await line.close()
        return heard.result(), reply

    assert in_real_time(main) == (b"01\r", b"\x0201S\x03")


def test_a_reply_in_pieces_is_put_together(terminal: Terminal) -> None:
    async def main() -> bytes:
        line = line_at(terminal.path)
        await line.open()
        async with line.exchange():
            os.write(terminal.device, b"S S   100")
            loop = asyncio.get_running_loop()
            loop.call_later(0.03, os.write, terminal.device, b".0000 g\r")
            loop.call_later(0.06, os.write, terminal.device, b"\n")
            reply = await line.read_until(b"\r\n", timeout_s=2.0)
        await line.close()
        return reply

    assert in_real_time(main) == b"S S   100.0000 g\r\n"


def test_a_missing_reply_is_an_unknown_outcome(terminal: Terminal) -> None:
    async def main() -> tuple[BaseException, float]:
        line = line_at(terminal.path)
        await line.open()
        loop = asyncio.get_running_loop()
        async with line.exchange():
            await line.write(b"01\r", timeout_s=1.0)
            os.write(terminal.device, b"half a fra")
            begun_s = loop.time()
            error = await error_of(line.read_until(b"\x03", timeout_s=0.12))
            took_s = loop.time() - begun_s
        await line.close()
        return error, took_s

    error, took_s = in_real_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert "half a fra" in error.evidence
    assert took_s >= 0.1


def test_stale_input_is_discarded_when_an_exchange_begins(terminal: Terminal) -> None:
    async def main() -> bytes:
        line = line_at(terminal.path)
        await line.open()
        async with line.exchange():
            os.write(terminal.device, b"early\x03stale")
            await line.read_until(b"\x03", timeout_s=1.0)
        os.write(terminal.device, b" and late\x03")
        await asyncio.sleep(0.02)
        async with line.exchange():
            os.write(terminal.device, b"fresh\x03")
            reply = await line.read_until(b"\x03", timeout_s=1.0)
        await line.close()
        return reply

    assert in_real_time(main) == b"fresh\x03"


def test_a_frame_without_an_end_is_refused(terminal: Terminal) -> None:
    async def main() -> BaseException:
        line = line_at(terminal.path)
        await line.open()
        async with line.exchange():
            os.write(terminal.device, b"x" * 200)
            error = await error_of(line.read_until(b"\x03", timeout_s=2.0, max_bytes=150))
        await line.close()
        return error

    assert isinstance(in_real_time(main), ProtocolError)


def test_a_second_opener_is_refused(terminal: Terminal) -> None:
    async def main() -> BaseException:
        first, second = line_at(terminal.path), line_at(terminal.path)
        await first.open()
        await first.open()
        error = await error_of(second.open())
        await first.close()
        return error

    error = in_real_time(main)

    assert type(error) is LineError
    assert f"`fuser {terminal.path}` tells which" in str(error)


def test_a_port_that_does_not_exist_is_a_line_error() -> None:
    async def main() -> BaseException:
        return await error_of(line_at("/dev/no-such-port").open())

    error = in_real_time(main)

    assert type(error) is LineError
    assert "cannot open /dev/no-such-port: No such file or directory; plug its cable" in str(error)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (serial.SerialException(errno.EACCES, "could not"), "Permission denied; join the group"),
        (serial.SerialException(errno.EBUSY, "could not"), "Device or resource busy; another"),
        (serial.SerialException(errno.EISDIR, "could not"), "Is a directory"),
        (serial.SerialException("Could not configure port"), "Could not configure port"),
    ],
)
def test_the_error_says_why_a_port_cannot_be_opened(monkeypatch, raised, said) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise raised

    async def main() -> BaseException:
        return await error_of(line_at("/dev/ttyUSB0").open())

    monkeypatch.setattr(serial, "Serial", refuse)

    assert f"line pumps: cannot open /dev/ttyUSB0: {said}" in str(in_real_time(main))


def test_a_closed_line_sends_nothing_and_closes_twice(terminal: Terminal) -> None:
    async def main() -> list[type[BaseException]]:
        line = line_at(terminal.path)
        await line.open()
        await line.close()
        await line.close()
        errors = [await error_of(line.write(b"x", timeout_s=1.0))]
        errors.append(await error_of(line.read_until(b"x", timeout_s=1.0)))
        return [type(error) for error in errors]

    assert in_real_time(main) == [LineError, OutcomeUnknown]


def test_a_wire_that_takes_nothing_is_a_line_timeout(terminal: Terminal) -> None:
    async def main() -> BaseException:
        line = line_at(terminal.path)
        await line.open()
        async with line.exchange():
            error = await error_of(line.write(b"x" * 100_000, timeout_s=0.1))
        await line.close()
        return error

    assert type(in_real_time(main)) is LineTimeout


def test_a_lost_port_is_told_and_opened_afresh(terminal: Terminal) -> None:
    async def main() -> tuple[list[type[BaseException]], bytes]:
        line = line_at(terminal.path)
        await line.open()
        os.close(terminal.host)
        os.close(terminal.device)
        terminal.host = terminal.device = -1
        async with line.exchange():
            errors = [await error_of(line.read_until(b"\x03", timeout_s=1.0))]
            errors.append(await error_of(line.write(b"01\r", timeout_s=1.0)))
        device, host = os.openpty()
        tty.setraw(device)
        tty.setraw(host)
        again = line_at(os.ttyname(host))
        await again.open()
        async with again.exchange():
            os.write(device, b"here\x03")
            reply = await again.read_until(b"\x03", timeout_s=1.0)
        await again.close()
        os.close(device)
        os.close(host)
        return [type(error) for error in errors], reply

    assert in_real_time(main) == ([OutcomeUnknown, LineError], b"here\x03")


def test_cancelling_a_read_frees_the_line(terminal: Terminal) -> None:
    async def main() -> bytes:
        line = line_at(terminal.path)
        await line.open()

        async def wait_long() -> None:
            async with line.exchange():
                await line.read_until(b"\x03", timeout_s=60.0)

        waiting = asyncio.ensure_future(wait_long())
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        async with line.exchange():
            os.write(terminal.device, b"next\x03")
            reply = await line.read_until(b"\x03", timeout_s=1.0)
        await line.close()
        return reply

    assert in_real_time(main) == b"next\x03"


def test_every_call_to_the_port_runs_in_one_thread(terminal: Terminal) -> None:
    async def main() -> set[str]:
        line = line_at(terminal.path)
        await line.open()
        names = {thread.name for thread in threading.enumerate() if "line-pumps" in thread.name}
        async with line.exchange():
            os.write(terminal.device, b"a\x03")
            await line.read_until(b"\x03", timeout_s=1.0)
        names |= {thread.name for thread in threading.enumerate() if "line-pumps" in thread.name}
        await line.close()
        return names

    assert len(in_real_time(main)) == 1


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "lines.pumps"),
        ({"port": "/dev/x", "usb_serial_number": "A50285BI"}, "lines.pumps"),
        ({"usb_serial_number": ""}, "lines.pumps.usb_serial_number"),
        ({"port": "/dev/x", "baudrate": 3}, "lines.pumps.baudrate"),
        ({"port": "/dev/x", "speed": 3}, "lines.pumps.speed"),
    ],
)
def test_a_wrong_setting_names_its_key(settings: dict[str, object], key: str) -> None:
    with pytest.raises(RigError) as caught:
        SerialLine.from_settings("pumps", settings, SystemClock())

    assert caught.value.key == key
