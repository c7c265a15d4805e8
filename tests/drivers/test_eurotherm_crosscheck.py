"""Our Modbus RTU against a server that nobody here wrote: pymodbus' own, on a pseudo-terminal.

It keeps registers and no more: where a controller would follow, its set-point is laid down before.
"""

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import pytest
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.clock import SystemClock
from drivers.devices.eurotherm_3200 import Eurotherm3200
from drivers.errors import DeviceFault, OutcomeUnknown
from drivers.serial_line import SerialLine
from tests.support.virtual_time import error_of, in_real_time

pytestmark = pytest.mark.slow

ADDRESS = 5
SETTINGS = {"address": ADDRESS, "highest_c": 900.0, "n_decimals": 1}
LAID_DOWN = {1: 213, 2: 2500, 5: 213, 111: 12000, 112: 0, 122: 0x3216, 273: 1, 531: 0}


@contextmanager
def joined(one: int, other: int) -> Iterator[None]:
    """Carry bytes between the ends of two terminals, as a cable would."""
    loop = asyncio.get_running_loop()
    loop.add_reader(one, lambda: os.write(other, os.read(one, 1000)))
    loop.add_reader(other, lambda: os.write(one, os.read(other, 1000)))
    try:
        yield
    finally:
        loop.remove_reader(one)
        loop.remove_reader(other)


@asynccontextmanager
async def served(
    registers: Mapping[int, int] = LAID_DOWN, *, address: int = ADDRESS
) -> AsyncIterator[Eurotherm3200]:
    """Serve registers by pymodbus behind a terminal, and yield our driver on the other end."""
    words = [registers.get(number, 0) for number in range(600)]
    device = SimDevice(id=address, simdata=[SimData(0, values=words, datatype=DataType.REGISTERS)])
    server_end, host_end = (os.openpty() for _ in range(2))
    for end in (*server_end, *host_end):
        tty.setraw(end)
    with joined(server_end[0], host_end[0]):
        server = ModbusSerialServer(device, port=os.ttyname(server_end[1]), baudrate=9600)
        await server.listen()
        clock = SystemClock()
        settings = {"port": os.ttyname(host_end[1]), "baudrate": 9600}
        line = SerialLine.from_settings("furnace", settings, clock)
        try:
            await line.open()
            yield Eurotherm3200.from_settings("furnace", line, clock, SETTINGS)
        finally:
            await line.close()
            await server.shutdown()
            for end in (*server_end, *host_end):
                os.close(end)


def test_the_controller_is_known_and_its_temperature_read():
    async def main() -> tuple[str, float]:
        async with served() as furnace:
            identity = await furnace.connect()
            (reading,) = await furnace.perform("measure_temperature", {})
            assert isinstance(reading.value, float)
            return identity, reading.value

    assert in_real_time(main) == ("Eurotherm 3200 type 0x3216, address 5", 21.3)


def test_a_set_point_is_written_and_read_back():
    async def main() -> float:
        async with served() as furnace:
            await furnace.connect()
            (reading,) = await furnace.perform("set_temperature", {"temperature_c": 250.0})
            assert isinstance(reading.value, float)
            await furnace.stop()
            return reading.value

    assert in_real_time(main) == 250.0


def test_a_set_point_that_the_controller_does_not_follow_is_a_fault():
    async def main() -> BaseException:
        async with served() as furnace:
            await furnace.connect()
            return await error_of(furnace.perform("set_temperature", {"temperature_c": 300.0}))

    error = in_real_time(main)
    assert isinstance(error, DeviceFault)
    assert "2500" in error.text


def test_below_zero_is_read_as_the_other_side_laid_it_down():
    async def main() -> object:
        async with served({**LAID_DOWN, 1: (-37) & 0xFFFF}) as furnace:
            await furnace.connect()
            (reading,) = await furnace.perform("measure_temperature", {})
            return reading.value

    assert in_real_time(main) == -3.7


def test_another_address_is_not_answered():
    async def main() -> BaseException:
        async with served(address=7) as furnace:
            return await error_of(furnace.connect())

    assert isinstance(in_real_time(main), OutcomeUnknown | DeviceFault)
