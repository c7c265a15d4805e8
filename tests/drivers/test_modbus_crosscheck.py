"""Our Modbus against a server that nobody here wrote: pymodbus' own, over a real socket."""

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.clock import SystemClock
from drivers.devices.modbus_registers import ModbusRegisters
from drivers.errors import DeviceFault
from drivers.tcp_line import TcpLine
from tests.support.virtual_time import error_of, in_real_time

pytestmark = pytest.mark.slow

SETTINGS: dict[str, Any] = {
    "unit": 3,
    "registers": {
        "flow_ml_per_min": {
            "address": 10, "kind": "float32", "low": 0.0, "high": 500.0, "is_writable": True,
        },
        "turned_ml": {
            "address": 12, "kind": "int32", "is_low_word_first": True, "low": -1e6, "high": 1e6,
        },
        "speed_rpm": {
            "address": 14, "kind": "int16", "low": -3000.0, "high": 3000.0, "is_writable": True,
        },
        "level_fraction": {
            "address": 20, "table": "input", "scale": 0.001, "low": 0.0, "high": 1.0,
        },
        "absent_bar": {"address": 900, "low": 0.0, "high": 10.0},
        "locked_bar": {"address": 20, "low": 0.0, "high": 10.0, "is_writable": True},
    },
}  # fmt: skip


@asynccontextmanager
async def served() -> AsyncIterator[ModbusRegisters]:
    """Serve registers by pymodbus and yield our driver, connected to them."""
    words = list(struct.unpack(">2H", struct.pack(">f", 12.5)))
    words += list(struct.unpack(">2H", struct.pack(">i", -70_000)))[::-1]
    words += [(-1500) & 0xFFFF]
    device = SimDevice(
        id=3,
        simdata=(
            [SimData(0, values=[False] * 8, datatype=DataType.BITS)],
            [SimData(0, values=[False] * 8, datatype=DataType.BITS)],
            [SimData(10, values=words, datatype=DataType.REGISTERS)],
            [SimData(20, values=[425], datatype=DataType.REGISTERS)],
        ),
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ModbusTcpServer(device, address=("127.0.0.1", port))
    await server.listen()
    clock = SystemClock()
    line = TcpLine.from_settings("plc", {"host": "127.0.0.1", "port": port}, clock)
    try:
        await line.open()
        driver = ModbusRegisters.from_settings("plc", line, clock, SETTINGS)
        await driver.connect()
        yield driver
    finally:
        await line.close()
        await server.shutdown()


async def value_of(driver: ModbusRegisters, register: str) -> float:
    (reading,) = await driver.perform("measure_register", {"register": register})
    assert isinstance(reading.value, float)
    return reading.value


def test_every_kind_of_number_is_read_as_it_was_laid_down():
    async def main() -> list[float]:
        async with served() as driver:
            return [
                await value_of(driver, name)
                for name in ("flow_ml_per_min", "turned_ml", "speed_rpm", "level_fraction")
            ]

    assert in_real_time(main) == [12.5, -70_000.0, -1500.0, 0.425]


def test_what_is_written_is_there():
    async def main() -> tuple[float, float]:
        async with served() as driver:
            flow = {"register": "flow_ml_per_min", "value": 321.25}
            await driver.perform("set_register", flow)
            await driver.perform("set_register", {"register": "speed_rpm", "value": -42.0})
            return await value_of(driver, "flow_ml_per_min"), await value_of(driver, "speed_rpm")

    assert in_real_time(main) == (321.25, -42.0)


@pytest.mark.parametrize("action", ["measure_register", "set_register"])
def test_its_refusals_are_understood(action):
    register = "absent_bar" if action == "measure_register" else "locked_bar"

    async def main() -> BaseException:
        async with served() as driver:
            value = {"value": 1.0} if action == "set_register" else {}
            return await error_of(driver.perform(action, {"register": register, **value}))

    error = in_real_time(main)
    assert isinstance(error, DeviceFault)
    assert error.code == "exception 2"


def test_many_questions_in_a_row_each_get_their_own_answer():
    async def main() -> list[float]:
        async with served() as driver:
            found = []
            for number in range(200):
                await driver.perform(
                    "set_register", {"register": "speed_rpm", "value": float(number)}
                )
                found.append(await value_of(driver, "speed_rpm"))
            return found

    assert in_real_time(main) == [float(number) for number in range(200)]
