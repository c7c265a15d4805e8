"""Drivers through real wires: a pseudo-terminal and a socket, with pretended devices at the end."""

import asyncio
import contextlib
import os
import tty

import pytest

from drivers.catalog import driver_named
from drivers.clock import Clock, SystemClock
from drivers.errors import DriverError, LineError, OutcomeUnknown
from drivers.instrument import Instrument
from drivers.line import Line
from drivers.serial_line import SerialLine
from drivers.tcp_line import TcpLine
from simulators.bench import Bench
from simulators.device import SimulatedDevice
from tests.support.driver_rig import INSTRUMENTS, bench_of
from tests.support.virtual_time import error_or_none, in_real_time

pytestmark = pytest.mark.slow


def instrument_for(name: str, line: Line, clock: Clock) -> Instrument:
    table = INSTRUMENTS[name]
    return driver_named(table["driver"]).from_settings(name, line, clock, table.get("settings", {}))


def devices_on(bench: Bench, line: str) -> list[SimulatedDevice]:
    return [bench.device(name) for name, table in INSTRUMENTS.items() if table["line"] == line]


def test_two_pumps_on_a_real_serial_port() -> None:
    async def main() -> list[float]:
        clock = SystemClock()
        bench = bench_of(clock)
        device_end, host_end = os.openpty()
        tty.setraw(device_end)
        tty.setraw(host_end)
        loop = asyncio.get_running_loop()

        def hear() -> None:
            data = os.read(device_end, 1000)
            for device in devices_on(bench, "pumps"):
                for reply in device.receive(data):
                    loop.call_later(reply.delay_s, os.write, device_end, reply.data)

        loop.add_reader(device_end, hear)
        line = SerialLine.from_settings("pumps", {"port": os.ttyname(host_end)}, clock)
        await line.open()
        pumps = [instrument_for(name, line, clock) for name in ("new_era_ne1000", "second_pump")]
        for pump in pumps:
            await pump.connect()
        order = {"volume_ul": 20.0, "rate_ul_per_min": 8000.0}
        readings = await asyncio.gather(*(pump.perform("transfer", order) for pump in pumps))
        await line.close()
        loop.remove_reader(device_end)
        os.close(device_end)
        os.close(host_end)
        return [float(reading[0].value) for reading in readings]  # type: ignore[arg-type]

    assert in_real_time(main) == [20.0, 20.0]


def test_a_source_meter_on_a_real_socket() -> None:
    async def main() -> tuple[str, tuple[float, ...]]:
        clock = SystemClock()
        bench = bench_of(clock)
        guests = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            guests.append(writer)
            loop = asyncio.get_running_loop()
            while data := await reader.read(1000):
                for reply in bench.device("keithley_2450").receive(data):
                    loop.call_later(reply.delay_s, writer.write, reply.data)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        line = TcpLine.from_settings("meter", {"host": "127.0.0.1", "port": port}, clock)
        await line.open()
        meter = instrument_for("keithley_2450", line, clock)
        identity = await meter.connect()
        order = {"n_readings": 3, "interval_s": 0.1}
        readings = await meter.perform("measure_voltage_trace", order)
        await line.close()
        for writer in guests:
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return identity, readings[0].value  # type: ignore[return-value]

    identity, times = in_real_time(main)
    assert "MODEL 2450" in identity
    assert len(times) == 3
    assert list(times) == sorted(times)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("before the exchange", LineError),
        ("before the request", LineError),
        ("after the request", OutcomeUnknown),
        ("while waiting", OutcomeUnknown),
    ],
)
def test_a_cable_that_falls_out_says_whether_anything_was_sent(
    moment: str, expected: type[DriverError]
) -> None:
    async def main() -> tuple[DriverError | None, bool]:
        device_end, host_end = os.openpty()
        tty.setraw(device_end)
        tty.setraw(host_end)
        line = SerialLine.from_settings("pumps", {"port": os.ttyname(host_end)}, SystemClock())
        await line.open()

        def pull() -> None:
            os.close(device_end)
            os.close(host_end)

        async def ask() -> None:
            if moment == "before the exchange":
                pull()
            async with line.exchange():
                if moment == "before the request":
                    pull()
                await line.write(b"01\r", timeout_s=1.0)
                if moment == "after the request":
                    pull()
                if moment == "while waiting":
                    asyncio.get_running_loop().call_later(0.05, pull)
                await line.read_until(b"\x03", timeout_s=30.0)

        error = await error_or_none(ask())
        reopening = await error_or_none(line.open())
        return error, isinstance(reopening, LineError)

    error, is_gone = in_real_time(main)

    assert type(error) is expected
    assert is_gone


def test_a_cable_that_fell_out_of_an_idle_line_is_found_on_opening() -> None:
    async def main() -> DriverError | None:
        device_end, host_end = os.openpty()
        line = SerialLine.from_settings("pumps", {"port": os.ttyname(host_end)}, SystemClock())
        await line.open()
        await line.open()
        os.close(device_end)
        os.close(host_end)
        return await error_or_none(line.open())

    assert isinstance(in_real_time(main), LineError)
