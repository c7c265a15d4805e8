"""Who opens connections and asks nothing takes the dashboard from nobody."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing, contextmanager
from threading import Event, Thread

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from orchestrator.dashboard.connections import ImpatientProtocol, impatient_protocol


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def slow(request: Request) -> StreamingResponse:
    async def words() -> AsyncIterator[str]:
        for _ in range(6):
            await asyncio.sleep(0.05)
            yield "word "

    return StreamingResponse(words())


@contextmanager
def server(protocol: type[ImpatientProtocol]) -> Iterator[int]:
    """Serve something small behind a protocol, and give its port."""
    app = Starlette(routes=[Route("/", hello), Route("/slow", slow)])
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, http=protocol, timeout_graceful_shutdown=1
        )
        running = uvicorn.Server(config)
        thread = Thread(target=running.run, args=([listener],), daemon=True)
        thread.start()
        try:
            while not running.started and thread.is_alive():
                Event().wait(0.01)
            yield listener.getsockname()[1]
        finally:
            running.should_exit = True
            thread.join(10)


def is_closed(connection: socket.socket) -> bool:
    connection.settimeout(5)
    return connection.recv(100) == b""


def test_a_connection_that_asks_nothing_is_closed() -> None:
    with server(impatient_protocol(silent_s=0.05)) as port, ExitStack() as stack:
        mute = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        half = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        half.sendall(b"GET / HTTP/1.1\r\nHost: 127")

        assert is_closed(mute)
        assert is_closed(half)


def test_who_waits_for_an_answer_is_not_cut_off() -> None:
    with server(impatient_protocol(silent_s=0.05)) as port:
        answer = httpx2.get(f"http://127.0.0.1:{port}/slow", timeout=10)

    assert answer.text == "word " * 6


def test_one_machine_has_only_so_many_connections_and_gets_new_ones_for_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("orchestrator.dashboard.connections._is_of_this_machine", lambda _: False)
    protocol = impatient_protocol(most_of_one=2)
    with server(protocol) as port, ExitStack() as stack:
        open_ones = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(2)
        ]
        for one in open_ones:
            one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert one.recv(1000).startswith(b"HTTP/1.1 200")
        third = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert is_closed(third)

        open_ones[0].close()
        while protocol.n_of["127.0.0.1"] > 1:
            Event().wait(0.01)
        assert httpx2.get(f"http://127.0.0.1:{port}/", timeout=10).text == "hello"


def test_neither_this_machine_nor_the_proxy_is_counted() -> None:
    protocol = impatient_protocol(uncounted=["127.0.0.1"], most_of_one=1)
    with server(protocol) as port, ExitStack() as stack:
        for _ in range(3):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert one.recv(1000).startswith(b"HTTP/1.1 200")

    assert not protocol.n_of
