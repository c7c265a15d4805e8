"""Several connections to one served device: no request begins in one and ends in another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.catalog import line_kind_named
from drivers.clock import SystemClock
from drivers.line import Line
from orchestrator.execution.rig import bench_for, rig_from_text
from tests.support.source_tree import ROOT
from tests.support.virtual_time import in_real_time

RIG = (ROOT / "drivers/devices/mettler_toledo_sics/rig.toml").read_text(encoding="utf-8")
SERIAL = 'kind = "serial"\nport = "/dev/ttyUSB1"\nbaudrate = 9600'
ANSWER = b'I4 A "'


@asynccontextmanager
async def balance_on(kind: str, folder: Path) -> AsyncIterator[tuple[Line, int]]:
    """Serve a balance behind a socket; hand out an open line and the port."""
    assert SERIAL in RIG
    text = RIG.replace(SERIAL, f'kind = "{kind}"\nhost = "192.0.2.10"\nport = 80')
    clock = SystemClock()
    bench = bench_for(rig_from_text(text, file="rig.toml"), clock, 0)
    async with bench.served(folder) as lines:
        table = dict(lines["balance"])
        assert table.pop("kind") == kind
        line = line_kind_named(kind).from_settings("balance", table, clock)
        await line.open()
        yield line, int(str(table["port"]))
        await line.close()


async def ask(line: Line, request: bytes) -> bytes:
    async with line.exchange():
        await line.write(request, timeout_s=1.0)
        return await line.read_until(b"\r\n", timeout_s=2.0)


@pytest.mark.parametrize("kind", ["http", "tcp"])
def test_a_served_device_answers_over_a_socket(kind: str, tmp_path: Path) -> None:
    async def main() -> list[bytes]:
        async with balance_on(kind, tmp_path) as (line, _):
            return [await ask(line, b"I4\r\n") for _ in range(3)]

    replies = in_real_time(main)

    assert len(replies) == 3
    assert all(reply.startswith(ANSWER) for reply in replies)


@pytest.mark.parametrize("kind", ["http", "tcp"])
def test_half_a_request_ends_with_its_connection(kind: str, tmp_path: Path) -> None:
    async def main() -> bytes:
        async with balance_on(kind, tmp_path) as (line, port):
            _, other = await asyncio.open_connection("127.0.0.1", port)
            other.write(b"SI NONS")
            await other.drain()
            await asyncio.sleep(0.01)
            reply = await ask(line, b"I4\r\n")
            other.close()
            await other.wait_closed()
            return reply

    assert in_real_time(main).startswith(ANSWER)


def test_half_a_request_that_was_given_up_is_forgotten(tmp_path: Path) -> None:
    async def main() -> bytes:
        async with balance_on("http", tmp_path) as (line, _):
            async with line.exchange():
                await line.write(b"SI NONS", timeout_s=1.0)
            return await ask(line, b"I4\r\n")

    assert in_real_time(main).startswith(ANSWER)
