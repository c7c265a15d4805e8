"""The TCP line, against a real server on this machine's loopback and in real time."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from drivers.clock import SystemClock
from drivers.errors import LineError, LineTimeout, OutcomeUnknown, ProtocolError, RigError
from drivers.tcp_line import TcpLine
from tests.support.virtual_time import error_of, in_real_time

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each line with itself."""
    while line := await reader.readline():
        writer.write(b"heard " + line)


@asynccontextmanager
async def line_to(behave: Behaviour) -> AsyncIterator[TcpLine]:
    """Serve a behaviour on a free port and hand out an open line to it."""
    guests: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        guests.add(task)
        try:
            await behave(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line = TcpLine.from_settings("meter", {"host": "127.0.0.1", "port": port}, SystemClock())
    await line.open()
    try:
        yield line
    finally:
        await line.close()
        for guest in guests:
            guest.cancel()
        await asyncio.gather(*guests, return_exceptions=True)
        server.close()
        await server.wait_closed()


def test_a_request_goes_out_and_its_reply_comes_back() -> None:
    async def main() -> bytes:
        async with line_to(echo) as line, line.exchange():
            await line.write(b"*IDN?\n", timeout_s=1.0)
            return await line.read_until(b"\n", timeout_s=2.0)

    assert in_real_time(main) == b"heard *IDN?\n"


def test_a_missing_reply_is_an_unknown_outcome_with_what_came() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"1.23")
        await reader.read()

    async def main() -> BaseException:
        async with line_to(half) as line, line.exchange():
            await line.write(b":READ?\n", timeout_s=1.0)
            return await error_of(line.read_until(b"\n", timeout_s=0.1))

    error = in_real_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert "1.23" in error.evidence


def test_bytes_that_drip_do_not_stretch_the_deadline() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"1")
            await asyncio.sleep(0.02)

    async def main() -> BaseException:
        async with line_to(drip) as line, line.exchange():
            return await error_of(line.read_until(b"\n", timeout_s=0.15))

    assert isinstance(in_real_time(main), OutcomeUnknown)


def test_a_device_that_hangs_up_is_an_unknown_outcome_then_a_line_error() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()

    async def main() -> list[type[BaseException]]:
        async with line_to(hang_up) as line, line.exchange():
            await line.write(b":READ?\n", timeout_s=1.0)
            errors = [await error_of(line.read_until(b"\n", timeout_s=2.0))]
            errors.append(await error_of(line.write(b":READ?\n", timeout_s=1.0)))
            return [type(error) for error in errors]

    assert in_real_time(main) == [OutcomeUnknown, LineError]


def test_a_line_that_the_device_closed_is_opened_afresh() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"heard " + await reader.readline())

    async def main() -> list[bytes]:
        replies = []
        async with line_to(once) as line:
            for request in (b"one\n", b"two\n"):
                await line.open()
                async with line.exchange():
                    await line.write(request, timeout_s=1.0)
                    replies.append(await line.read_until(b"\n", timeout_s=2.0))
                    await error_of(line.read_until(b"\n", timeout_s=1.0))
        return replies

    assert in_real_time(main) == [b"heard one\n", b"heard two\n"]


def test_stale_input_is_discarded_when_an_exchange_begins() -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line + b"stale\n")

    async def main() -> bytes:
        async with line_to(twice) as line:
            for request in (b"one\n", b"two\n"):
                await asyncio.sleep(0.02)
                async with line.exchange():
                    await line.write(request, timeout_s=1.0)
                    reply = await line.read_until(b"\n", timeout_s=2.0)
        return reply

    assert in_real_time(main) == b"two\n"


def test_a_frame_without_an_end_is_refused() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"9" * 5000)
        await reader.read()

    async def main() -> BaseException:
        async with line_to(shout) as line, line.exchange():
            return await error_of(line.read_until(b"\n", timeout_s=2.0, max_bytes=1000))

    assert isinstance(in_real_time(main), ProtocolError)


def test_a_peer_that_takes_nothing_is_a_line_timeout() -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async def main() -> BaseException:
        async with line_to(deaf) as line, line.exchange():
            await asyncio.sleep(0.02)
            return await error_of(line.write(b"x" * 50_000_000, timeout_s=0.2))

    assert type(in_real_time(main)) is LineTimeout


def test_nobody_there_is_a_line_error() -> None:
    async def main() -> BaseException:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        line = TcpLine.from_settings("meter", {"host": "127.0.0.1", "port": port}, SystemClock())
        return await error_of(line.open())

    error = in_real_time(main)

    assert type(error) is LineError
    assert str(error).endswith(": Connection refused")


def test_a_closed_line_sends_nothing_and_closes_twice() -> None:
    async def main() -> list[type[BaseException]]:
        async with line_to(echo) as line:
            await line.open()
            await line.close()
            await line.close()
            errors = [await error_of(line.write(b"x\n", timeout_s=1.0))]
            errors.append(await error_of(line.read_until(b"\n", timeout_s=1.0)))
            return [type(error) for error in errors]

    assert in_real_time(main) == [LineError, OutcomeUnknown]


def test_two_exchanges_never_mix() -> None:
    async def main() -> list[bytes]:
        async with line_to(echo) as line:

            async def ask(text: bytes) -> bytes:
                async with line.exchange():
                    await line.write(text + b"\n", timeout_s=1.0)
                    await asyncio.sleep(0)
                    return await line.read_until(b"\n", timeout_s=2.0)

            return await asyncio.gather(*(ask(b"%d" % index) for index in range(20)))

    assert in_real_time(main) == [b"heard %d\n" % index for index in range(20)]


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"host": "192.0.2.10"}, "lines.meter.port"),
        ({"host": "192.0.2.10", "port": 70_000}, "lines.meter.port"),
        ({"host": "192.0.2.10", "port": 5025, "baudrate": 9600}, "lines.meter.baudrate"),
    ],
)
def test_a_wrong_setting_names_its_key(settings: dict[str, object], key: str) -> None:
    with pytest.raises(RigError) as caught:
        TcpLine.from_settings("meter", settings, SystemClock())

    assert caught.value.key == key
