"""The multimeter's driver: means and spreads, overloads, settings that do not take."""

from collections.abc import Mapping
from typing import Any

import pytest

from drivers.clock import VirtualClock
from drivers.devices.keysight_truevolt import KeysightTruevolt
from drivers.errors import DeviceFault, ProtocolError, RigError
from drivers.testing import MemoryLine
from simulators.bench import Bench
from tests.support.driver_rig import bench_of, instrument_on, rig_of_all_drivers
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "keysight_truevolt"
IDENTITY = r"< Keysight Technologies,34461A,MY1,A.02\n"


def measured(action: str, settings: Mapping[str, Any] = {}) -> dict[str, float]:
    async def main(clock: VirtualClock) -> dict[str, float]:
        bench = bench_of(clock)
        line = bench.line("multimeter")
        await line.open()
        meter = KeysightTruevolt.from_settings(NAME, line, clock, settings)
        await meter.connect()
        readings = await meter.perform(action, {"n_readings": 20})
        return {one.name: float(one.value) for one in readings}  # type: ignore[arg-type]

    return in_virtual_time(main)


def test_four_wires_leave_the_leads_out():
    four, two = measured("measure_resistance_four_wire"), measured("measure_resistance")

    assert four["resistance_ohm"] == pytest.approx(1000.0, rel=1e-4)
    assert two["resistance_ohm"] - four["resistance_ohm"] == pytest.approx(0.3, abs=0.1)


def test_longer_integration_gives_less_spread():
    quick = measured("measure_resistance_four_wire", {"power_line_cycles": 1})
    slow = measured("measure_resistance_four_wire", {"power_line_cycles": 10})

    assert 0.0 < slow["resistance_sd_ohm"] < quick["resistance_sd_ohm"]


def test_nothing_drives_a_current_and_no_voltage_stands_at_a_resistor():
    assert measured("measure_current") == {"current_a": 0.0, "current_sd_a": 0.0}
    assert measured("measure_voltage")["voltage_v"] == 0.0


def test_an_empty_cell_is_an_overload_and_no_number():
    async def main(clock):
        rig = rig_of_all_drivers()
        table = {**rig["instruments"][NAME], "at": "vessel"}
        rig["instruments"] = {**rig["instruments"], NAME: table}
        line = Bench.from_rig(rig, clock, seed=7).line("multimeter")
        await line.open()
        meter = KeysightTruevolt.from_settings(NAME, line, clock, {})
        await meter.connect()
        return await error_of(meter.perform("measure_resistance", {"n_readings": 3}))

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.code == "overload"


def played(*lines: str) -> BaseException:
    """Return what a script makes of one voltage."""

    async def main(clock: VirtualClock) -> BaseException:
        line = MemoryLine.from_lines(*lines)
        await line.open()
        meter = KeysightTruevolt.from_settings(NAME, line, clock, {})
        return await error_of(meter.perform("measure_voltage", {"n_readings": 2}))

    return in_virtual_time(main)


BEGINNING = (
    r"> *CLS\n",
    r"> :CONF:VOLT:DC AUTO\n",
    r"> :CONF?\n",
    r'< "VOLT +1.00000000E+01,+3.00000000E-06"\n',
    r"> :SENS:VOLT:DC:NPLC 1.000000E+01\n",
    r"> :SENS:VOLT:DC:NPLC?\n",
)


def test_an_integration_time_that_is_not_taken_is_told_with_the_error_queue():
    error = played(*BEGINNING, r"< +1.0E+00\n", r"> :SYST:ERR?\n", r'< -222,"Data out of range"\n')

    assert isinstance(error, DeviceFault)
    assert (error.code, error.text) == ("-222", "Data out of range")


def test_too_few_readings_are_no_readings():
    error = played(
        *BEGINNING,
        r"< +1.0E+01\n",
        r"> :SAMP:COUN 2.000000E+00\n",
        r"> :SAMP:COUN?\n",
        r"< +2\n",
        r"> :READ?\n",
        r"< +1.0E+00\n",
        r"> :SYST:ERR?\n",
        r'< +0,"No error"\n',
    )

    assert isinstance(error, ProtocolError)
    assert "1 readings, expected 2" in str(error)


@pytest.mark.parametrize(
    ("settings", "identity", "key"),
    [
        ({}, r"< Keysight Technologies,33622A,MY1,A.02\n", "line"),
        ({"serial_number": "MY2"}, IDENTITY, "settings.serial_number"),
    ],
)
def test_another_device_or_another_one_of_its_kind_is_refused(settings, identity, key):
    async def main(clock):
        line = MemoryLine.from_lines(r"> *IDN?\n", identity)
        await line.open()
        meter = KeysightTruevolt.from_settings(NAME, line, clock, settings)
        return await error_of(meter.connect())

    error = in_virtual_time(main)
    assert isinstance(error, RigError)
    assert error.key == f"instruments.{NAME}.{key}"


def test_the_multimeter_of_the_rig_connects():
    async def main(clock):
        return await (await instrument_on(bench_of(clock), NAME, clock)).connect()

    assert "34461A" in in_virtual_time(main)
