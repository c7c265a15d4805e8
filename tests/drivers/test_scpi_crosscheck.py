"""Our SCPI against a device that pyvisa-sim simulates, over a real socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pyvisa
from pyvisa.resources import MessageBasedResource

from drivers.clock import SystemClock
from drivers.devices.keysight_truevolt import KeysightTruevolt
from drivers.errors import DeviceFault
from drivers.tcp_line import TcpLine
from tests.support.virtual_time import error_of, in_real_time

pytestmark = pytest.mark.slow

DEVICE = Path(__file__).with_name("multimeter_pyvisa_sim.yaml")
RESOURCE = "TCPIP0::localhost::inst0::INSTR"


def answer_of(device: MessageBasedResource, line: str) -> bytes:
    """Pass a line to pyvisa-sim's device and return what it says, if it says anything."""
    device.write(line)
    if not line.endswith("?"):
        return b""
    try:
        return device.read().encode("ascii") + b"\n"
    except pyvisa.VisaIOError:
        return b""


@asynccontextmanager
async def multimeter(**settings: object) -> AsyncIterator[KeysightTruevolt]:
    """Serve the simulated device on a socket and yield our driver on it."""
    manager = pyvisa.ResourceManager(f"{DEVICE}@sim")
    device = manager.open_resource(RESOURCE, read_termination="\n", write_termination="\n")
    assert isinstance(device, MessageBasedResource)
    device.timeout = 50

    guests: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        guests.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                writer.write(answer_of(device, line.decode("ascii").rstrip("\n")))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clock = SystemClock()
    line = TcpLine.from_settings("dmm", {"host": "127.0.0.1", "port": port}, clock)
    try:
        await line.open()
        yield KeysightTruevolt.from_settings("dmm", line, clock, settings)
    finally:
        await line.close()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*[guest for guest in guests if guest is not None])
        device.close()
        manager.close()


def test_it_connects_and_measures():
    async def main() -> tuple[str, list[object]]:
        async with multimeter() as driver:
            identity = await driver.connect()
            readings = await driver.perform("measure_voltage", {"n_readings": 2})
            return identity, [one.value for one in readings]

    identity, values = in_real_time(main)
    assert "34461A,MY00000042" in identity
    assert values == [pytest.approx(1.26), pytest.approx(0.0141421356)]


def test_what_it_refuses_is_told_by_its_error_queue():
    async def main() -> BaseException:
        async with multimeter() as driver:
            await driver.connect()
            return await error_of(driver.perform("measure_voltage", {"n_readings": 3}))

    error = in_real_time(main)
    assert isinstance(error, DeviceFault)
    assert (error.code, error.text) == ("-222", "Data out of range")


def test_a_function_that_is_not_taken_is_found_by_reading_it_back():
    async def main() -> BaseException:
        async with multimeter() as driver:
            await driver.connect()
            return await error_of(driver.perform("measure_resistance", {"n_readings": 2}))

    error = in_real_time(main)
    assert isinstance(error, DeviceFault)
    assert ":CONF" in error.text


def test_a_header_that_it_does_not_know_is_a_fault_and_no_silence():
    async def main() -> BaseException:
        async with multimeter() as driver:
            await driver.connect()
            return await error_of(driver._ask(":DANCE?"))

    error = in_real_time(main)
    assert isinstance(error, DeviceFault)
