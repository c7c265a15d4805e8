"""Replies whose end only their length tells, over a real terminal and a real socket."""

import asyncio
import os
import tty

from drivers.clock import SystemClock
from drivers.errors import OutcomeUnknown, ProtocolError
from drivers.line import Conversation, Line
from drivers.serial_line import SerialLine
from drivers.tcp_line import TcpLine
from tests.support.virtual_time import error_of, in_real_time

PIECES = (b"\x03a", b"b\nc", b"left over")


def by_first_byte(frame: bytes) -> int:
    """Return what is missing of a frame whose first byte says how many follow it."""
    if frame[:1] == b"\xff":
        raise ProtocolError("not the beginning of a reply", frame)
    return 1 + frame[0] - len(frame) if frame else 1


async def asked(line: Line, *, timeout_s: float = 2.0) -> bytes:
    conversation = Conversation(line, SystemClock(), reply_end=by_first_byte)
    return await conversation.ask(b"?\n", timeout_s=timeout_s)


async def asked_over_tcp(*pieces: bytes, timeout_s: float = 2.0) -> bytes:
    guests: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        guests.append(asyncio.current_task())
        await reader.readline()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line = TcpLine.from_settings("meter", {"host": "127.0.0.1", "port": port}, SystemClock())
    await line.open()
    try:
        return await asked(line, timeout_s=timeout_s)
    finally:
        await line.close()
        await asyncio.gather(*[guest for guest in guests if guest is not None])
        server.close()
        await server.wait_closed()


def test_a_socket_gives_as_many_bytes_as_the_head_says():
    assert in_real_time(lambda: asked_over_tcp(*PIECES)) == b"\x03ab\n"


def test_a_reply_cut_short_is_an_unknown_outcome_that_shows_what_came():
    error = in_real_time(lambda: error_of(asked_over_tcp(b"\x03a", timeout_s=0.05)))

    assert isinstance(error, OutcomeUnknown)
    assert "\\x03" in error.evidence
    assert "b'a'" in error.evidence


def test_a_head_that_no_reply_has_is_a_protocol_error():
    error = in_real_time(lambda: error_of(asked_over_tcp(b"\xffabc")))

    assert isinstance(error, ProtocolError)


def test_a_terminal_gives_as_many_bytes_as_the_head_says():
    device, host = os.openpty()
    tty.setraw(device)
    line = SerialLine.from_settings("pump", {"port": os.ttyname(host)}, SystemClock())

    async def main() -> bytes:
        await line.open()
        answer = asyncio.create_task(asyncio.to_thread(os.read, device, 10))
        work = asyncio.create_task(asked(line))
        await answer
        for piece in PIECES:
            os.write(device, piece)
        try:
            return await work
        finally:
            await line.close()

    try:
        assert in_real_time(main) == b"\x03ab\n"
    finally:
        os.close(device)
        os.close(host)
