"""Every kind of line to a device that misbehaves: real wires, real time, short deadlines."""

import asyncio
import os
import threading
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from drivers.clock import SystemClock
from drivers.errors import OutcomeUnknown, ProtocolError
from drivers.http_line import HttpLine
from drivers.line import Conversation, Line
from drivers.serial_line import SerialLine
from drivers.tcp_line import TcpLine
from tests.support.virtual_time import error_of, in_real_time

T = TypeVar("T")
Say = Callable[[bytes], None]
Behaviour = Callable[[bytes, Say], None]
"""Hears a request whole and says something, at once or later, to whoever asked."""

DEADLINE_S = 0.1
DISTRUST_S = 0.12


@asynccontextmanager
async def terminal_with(behave: Behaviour) -> AsyncIterator[Line]:
    device, host = os.openpty()
    tty.setraw(device)
    tty.setraw(host)
    os.set_blocking(device, False)

    def say(data: bytes) -> None:
        try:
            os.write(device, data)
        except BlockingIOError:
            return  # a terminal that nobody reads is full

    loop = asyncio.get_running_loop()
    loop.add_reader(device, lambda: behave(os.read(device, 1000), say))
    line = SerialLine.from_settings("device", {"port": os.ttyname(host)}, SystemClock())
    try:
        yield line
    finally:
        await line.close()
        loop.remove_reader(device)
        os.close(device)
        os.close(host)


class Peer(asyncio.Protocol):
    """One connection to a device that behaves somehow."""

    def __init__(self, behave: Behaviour) -> None:
        self._behave = behave

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._behave(data, self._transport.write)


@asynccontextmanager
async def socket_with(kind: type[TcpLine | HttpLine], behave: Behaviour) -> AsyncIterator[Line]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Peer(behave), "127.0.0.1", 0)
    table = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1]}
    line = kind.from_settings("device", table, SystemClock())
    try:
        yield line
    finally:
        await line.close()
        server.close()
        await server.wait_closed()


@pytest.fixture(params=["serial", "tcp", "http"])
def with_line(
    request: pytest.FixtureRequest,
) -> Callable[[Behaviour, Callable[[Line], Awaitable[T]]], T]:
    """Return a function that visits an open line to a device that behaves somehow."""

    def run(behave: Behaviour, visit: Callable[[Line], Awaitable[T]]) -> T:
        async def main() -> T:
            wire = {
                "serial": lambda: terminal_with(behave),
                "tcp": lambda: socket_with(TcpLine, behave),
                "http": lambda: socket_with(HttpLine, behave),
            }[request.param]
            async with wire() as line:
                await line.open()
                return await visit(line)

        return in_real_time(main)

    return run


def later(seconds: float, call: Callable[[], object]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)


def talk_over(line: Line) -> Conversation:
    return Conversation(line, SystemClock(), reply_end=b"\n", distrust_s=DISTRUST_S)


def test_a_device_that_drips_does_not_stretch_the_deadline(with_line) -> None:
    def drip(_: bytes, say: Say) -> None:
        later(0.9 * DEADLINE_S, lambda: (say(b"."), drip(b"", say)))

    async def visit(line: Line) -> BaseException:
        return await error_of(talk_over(line).ask(b"read\n", timeout_s=DEADLINE_S))

    error = with_line(drip, visit)

    assert isinstance(error, OutcomeUnknown)
    assert error.evidence.count(".") <= 2


def test_strange_frames_without_end_do_not_stretch_the_deadline(with_line) -> None:
    def chatter(_: bytes, say: Say) -> None:
        later(0.3 * DEADLINE_S, lambda: (say(b"noise\n"), chatter(b"", say)))

    async def visit(line: Line) -> BaseException:
        asking = talk_over(line).ask(
            b"read\n", timeout_s=DEADLINE_S, is_reply=lambda frame: frame != b"noise\n"
        )
        return await error_of(asking)

    assert isinstance(with_line(chatter, visit), OutcomeUnknown)


def test_bytes_without_end_are_refused_and_the_next_answer_is_right(with_line) -> None:
    is_mad = True

    def shout(request: bytes, say: Say) -> None:
        if not is_mad:
            say(b"answer to " + request)
            return
        say(b"9" * 1000)
        later(0.001, lambda: is_mad and shout(request, say))

    async def visit(line: Line) -> tuple[BaseException, bytes]:
        nonlocal is_mad
        talk = talk_over(line)
        error = await error_of(talk.ask(b"one\n", timeout_s=5.0))
        is_mad = False
        return error, await talk.ask(b"two\n", timeout_s=2.0)

    error, answer = with_line(shout, visit)

    assert isinstance(error, ProtocolError)
    assert len(error.raw) == 100
    assert answer == b"answer to two\n"


def test_half_a_frame_whose_rest_comes_late_is_no_part_of_the_next_answer(with_line) -> None:
    def falter(request: bytes, say: Say) -> None:
        if request != b"one\n":
            say(b"answer to " + request)
            return
        say(b"answer to ")
        later(DEADLINE_S + 0.5 * DISTRUST_S, lambda: say(b"one\n"))

    async def visit(line: Line) -> tuple[BaseException, bool, bytes]:
        talk = talk_over(line)
        error = await error_of(talk.ask(b"one\n", timeout_s=DEADLINE_S))
        was_in_step = talk.is_in_step
        return error, was_in_step, await talk.ask(b"two\n", timeout_s=2.0)

    error, was_in_step, answer = with_line(falter, visit)

    assert isinstance(error, OutcomeUnknown)
    assert "answer to " in error.evidence
    assert not was_in_step
    assert answer == b"answer to two\n"


def test_a_flood_leaves_evidence_that_a_person_can_read(with_line) -> None:
    def babble(_: bytes, say: Say) -> None:
        say(b"9" * 3000)

    async def visit(line: Line) -> BaseException:
        return await error_of(talk_over(line).ask(b"read\n", timeout_s=DEADLINE_S))

    error = with_line(babble, visit)

    assert isinstance(error, OutcomeUnknown)
    assert len(error.evidence) < 300
    assert error.evidence.endswith("and 2800 bytes more")


def test_answers_of_exactly_the_greatest_length_pass_and_longer_ones_do_not(with_line) -> None:
    def count(request: bytes, say: Say) -> None:
        say(b"x" * int(request) + b"\n")

    async def visit(line: Line) -> tuple[bytes, BaseException]:
        async with line.exchange():
            await line.write(b"99\n", timeout_s=1.0)
            fits = await line.read_until(b"\n", timeout_s=2.0, max_bytes=100)
        async with line.exchange():
            await line.write(b"100\n", timeout_s=1.0)
            reading = line.read_until(b"\n", timeout_s=2.0, max_bytes=100)
            return fits, await error_of(reading)

    fits, error = with_line(count, visit)

    assert len(fits) == 100
    assert isinstance(error, ProtocolError)


def test_a_line_that_is_closed_leaves_no_thread(with_line) -> None:
    def echo(request: bytes, say: Say) -> None:
        say(request)

    async def visit(line: Line) -> tuple[set[str], set[str]]:
        talk = talk_over(line)
        for _ in range(5):
            await talk.ask(b"read\n", timeout_s=2.0)
        during = {one.name for one in threading.enumerate() if "line-device" in one.name}
        await line.close()
        for one in threading.enumerate():
            if "line-device" in one.name:
                await asyncio.to_thread(one.join, 10.0)
        after = {one.name for one in threading.enumerate() if "line-device" in one.name}
        return during, after

    during, after = with_line(echo, visit)

    assert len(during) <= 1
    assert after == set()
