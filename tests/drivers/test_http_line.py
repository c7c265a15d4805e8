"""The HTTP line, against real servers on this machine's loopback and in real time."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.errors import LineError, LineTimeout, OutcomeUnknown, ProtocolError, RigError
from drivers.http_line import HttpLine
from tests.support.certificates import make_certificate
from tests.support.virtual_time import error_of, in_real_time

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

REQUEST = b"GET /health HTTP/1.1\r\nHost: robot\r\n\r\n"
REPLY = b"HTTP/1.1 204 No Content\r\n\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of a connection."""
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(REPLY)


class Doorman:
    """Serves a behaviour and counts who comes."""

    def __init__(self, behave: Behaviour) -> None:
        self._behave = behave
        self.n_connections = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self._behave(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            writer.close()


@asynccontextmanager
async def line_to(
    behave: Behaviour, *, certificate: Path | None = None, **settings: object
) -> AsyncIterator[tuple[HttpLine, Doorman]]:
    """Serve a behaviour on a free port and hand out a line to it that is not open yet."""
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    doorman = Doorman(behave)
    server = await asyncio.start_server(doorman.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    table = {"host": "127.0.0.1", "port": port, **settings}
    line = HttpLine.from_settings("robot", table, SystemClock())
    try:
        yield line, doorman
    finally:
        await line.close()
        for task in doorman.tasks:
            task.cancel()
        await asyncio.gather(*doorman.tasks, return_exceptions=True)
        server.close()
        await server.wait_closed()


async def ask(line: HttpLine) -> bytes:
    """Ask once and return the head of the reply."""
    async with line.exchange():
        await line.write(REQUEST, timeout_s=1.0)
        return await line.read_until(b"\r\n\r\n", timeout_s=2.0)


def test_each_exchange_has_a_connection_of_its_own() -> None:
    async def main() -> tuple[list[bytes], int]:
        async with line_to(answer) as (line, doorman):
            await line.open()
            return [await ask(line) for _ in range(3)], doorman.n_connections

    replies, n_connections = in_real_time(main)

    assert replies == [REPLY] * 3
    assert n_connections == 4  # and one to see whether somebody is there


def test_a_server_that_hangs_up_after_each_answer_does_no_harm() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REPLY)

    async def main() -> list[bytes]:
        async with line_to(once) as (line, _):
            await line.open()
            return [await ask(line) for _ in range(3)]

    assert in_real_time(main) == [REPLY] * 3


def test_two_parts_of_one_request_use_one_connection() -> None:
    async def main() -> tuple[bytes, int]:
        async with line_to(answer) as (line, doorman):
            await line.open()
            async with line.exchange():
                await line.write(REQUEST[:10], timeout_s=1.0)
                await line.write(REQUEST[10:], timeout_s=1.0)
                reply = await line.read_until(b"\r\n\r\n", timeout_s=2.0)
            return reply, doorman.n_connections

    assert in_real_time(main) == (REPLY, 2)


def test_a_missing_reply_is_an_unknown_outcome_with_what_came() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REPLY[:12])
        await reader.read()

    async def main() -> BaseException:
        async with line_to(half) as (line, _):
            await line.open()
            async with line.exchange():
                await line.write(REQUEST, timeout_s=1.0)
                return await error_of(line.read_until(b"\r\n\r\n", timeout_s=0.1))

    error = in_real_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert "HTTP/1.1 204" in error.evidence


def test_a_server_that_hangs_up_in_an_answer_is_an_unknown_outcome() -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REPLY[:12])

    async def main() -> BaseException:
        async with line_to(cut) as (line, _):
            await line.open()
            return await error_of(ask(line))

    assert isinstance(in_real_time(main), OutcomeUnknown)


def test_an_endless_answer_is_refused() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"9" * 5000)
            await writer.drain()

    async def main() -> BaseException:
        async with line_to(shout) as (line, _):
            await line.open()
            return await error_of(ask(line))

    assert isinstance(in_real_time(main), ProtocolError)


def test_a_peer_that_takes_nothing_is_a_line_timeout_and_its_request_ends() -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async def main() -> list[BaseException]:
        async with line_to(deaf) as (line, _):
            await line.open()
            async with line.exchange():
                errors = [await error_of(line.write(b"x" * 50_000_000, timeout_s=0.2))]
                errors.append(await error_of(line.write(b"more", timeout_s=0.2)))
            return errors

    first, second = in_real_time(main)
    assert type(first) is LineTimeout
    assert type(second) is LineError


def test_nobody_there_is_a_line_error_when_opening_and_when_asking() -> None:
    async def main() -> list[BaseException]:
        async with line_to(answer) as (line, _):
            await line.open()
        closed = await error_of(ask(line))
        nobody = await error_of(line.open())
        still = await error_of(ask(line))
        unread = await error_of(line.read_until(b"\n", timeout_s=0.1))
        return [closed, nobody, still, unread]

    errors = in_real_time(main)
    assert [type(error) for error in errors] == [LineError, LineError, LineError, OutcomeUnknown]
    assert str(errors[1]).endswith(": Connection refused")


def test_a_server_that_goes_away_between_exchanges_is_a_line_error() -> None:
    async def main() -> BaseException:
        server = await asyncio.start_server(Doorman(answer).serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        table = {"host": "127.0.0.1", "port": port}
        line = HttpLine.from_settings("robot", table, SystemClock())
        await line.open()
        server.close()
        await server.wait_closed()
        return await error_of(ask(line))

    assert type(in_real_time(main)) is LineError


def test_a_trusted_server_is_spoken_to_in_tls(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "localhost")

    async def main() -> tuple[bytes, bytes]:
        async with line_to(
            answer, certificate=certificate, host="localhost", is_tls=True, ca_file=str(certificate)
        ) as (line, _):
            await line.open()
            return await ask(line), await ask(line)

    assert in_real_time(main) == (REPLY, REPLY)


@pytest.mark.parametrize(
    ("known_as", "is_vouched_for"), [("localhost", False), ("robot.example", True)]
)
def test_a_server_that_cannot_be_verified_hears_nothing(
    tmp_path: Path, known_as: str, is_vouched_for: bool
) -> None:
    certificate = make_certificate(tmp_path, known_as)
    trusted = {"ca_file": str(certificate)} if is_vouched_for else {}

    async def main() -> BaseException:
        async with line_to(
            answer, certificate=certificate, host="localhost", is_tls=True, **trusted
        ) as (line, _):
            return await error_of(line.open())

    error = in_real_time(main)
    assert type(error) is LineError
    assert "its certificate is not trusted" in str(error)


def test_a_server_without_tls_is_refused() -> None:
    async def grumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def main() -> BaseException:
        async with line_to(grumble, is_tls=True) as (line, _):
            return await error_of(line.open())

    error = in_real_time(main)
    assert type(error) is LineError
    assert "does not speak TLS" in str(error)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"host": "192.0.2.10"}, "lines.robot.port"),
        ({"host": "192.0.2.10", "port": 80, "baudrate": 9600}, "lines.robot.baudrate"),
        ({"host": "192.0.2.10", "port": 80, "ca_file": "lab.pem"}, "lines.robot"),
        (
            {"host": "192.0.2.10", "port": 443, "is_tls": True, "ca_file": "/no/such.pem"},
            "lines.robot.ca_file",
        ),
    ],
)
def test_a_wrong_setting_names_its_key(settings: dict[str, object], key: str) -> None:
    with pytest.raises(RigError) as caught:
        HttpLine.from_settings("robot", settings, SystemClock())

    assert caught.value.key == key


def test_a_file_that_holds_no_certificate_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing of the kind", "utf-8")
    settings = {"host": "robot", "port": 443, "is_tls": True, "ca_file": str(empty)}

    with pytest.raises(RigError, match="a readable file of PEM certificates"):
        HttpLine.from_settings("robot", settings, SystemClock())


def test_a_name_that_no_host_can_have_is_a_line_error() -> None:
    line = HttpLine.from_settings("robot", {"host": "a..b", "port": 80}, SystemClock())

    async def main() -> BaseException:
        return await error_of(line.open())

    assert type(in_real_time(main)) is LineError
