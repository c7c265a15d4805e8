"""The source-meter's driver on its pretend device and on lines that play a script."""

import asyncio
import math
from itertools import pairwise

import pytest

from drivers.clock import VirtualClock
from drivers.devices.keithley_2450 import Keithley2450
from drivers.errors import DeviceFault, LimitError, LineError, OutcomeUnknown, RigError
from drivers.instrument import Instrument
from drivers.testing import MemoryLine
from simulators.bench import Bench
from tests.support.driver_rig import instrument_on, rig_of_all_drivers
from tests.support.virtual_time import error_of, in_virtual_time

SWEEP = {
    "start_ma": 1.0,
    "stop_ma": 100.0,
    "n_points": 5,
    "dwell_s": 2.0,
    "voltage_limit_v": 5.0,
}
IDENTITY = r"< KEITHLEY INSTRUMENTS,MODEL 2450,04412345,1.7.12b\n"


def bench_of(
    clock: VirtualClock, *faults: dict[str, object], world: str = "oer_plate_3496"
) -> Bench:
    """Return the bench of all drivers with the source-meter at the vessel."""
    rig = rig_of_all_drivers(*faults)
    table = {**rig["instruments"]["keithley_2450"], "at": "vessel"}
    rig["instruments"] = {**rig["instruments"], "keithley_2450": table}
    rig["simulation"] = {**rig["simulation"], "world": world}
    return Bench.from_rig(rig, clock, seed=7)


async def meter_on_wet_cell(
    clock: VirtualClock, *faults: dict[str, object]
) -> tuple[Bench, Instrument]:
    """Return a connected source-meter whose cell holds liquid."""
    bench = bench_of(clock, *faults)
    pump = await instrument_on(bench, "new_era_ne1000", clock)
    meter = await instrument_on(bench, "keithley_2450", clock)
    await pump.connect()
    await meter.connect()
    await pump.perform("transfer", {"volume_ul": 2000.0, "rate_ul_per_min": 8000.0})
    return bench, meter


def test_a_sweep_is_evenly_spaced_in_the_logarithm() -> None:
    async def main(clock: VirtualClock) -> dict[str, object]:
        _, meter = await meter_on_wet_cell(clock)
        return {r.name: r.value for r in await meter.perform("measure_current_sweep", SWEEP)}

    got = in_virtual_time(main)
    currents = got["current_a"]
    assert isinstance(currents, tuple)
    assert currents[0] == pytest.approx(1e-3, rel=1e-3)
    assert currents[-1] == pytest.approx(0.1, rel=1e-3)
    ratios = [math.log10(b / a) for a, b in pairwise(currents)]
    assert ratios == pytest.approx([0.5] * 4, abs=1e-3)
    assert got["limit_state"] == "clear"


def test_a_dry_cell_trips_the_limit_or_overflows_and_says_so() -> None:
    async def main(clock: VirtualClock) -> dict[str, object]:
        meter = await instrument_on(bench_of(clock), "keithley_2450", clock)
        await meter.connect()
        return {r.name: r.value for r in await meter.perform("measure_current_sweep", SWEEP)}

    got = in_virtual_time(main)
    voltages = got["voltage_v"]
    assert isinstance(voltages, tuple)
    assert got["limit_state"] == "tripped" or all(voltage > 1e37 for voltage in voltages)


def test_the_dwell_of_each_point_passes() -> None:
    async def main(clock: VirtualClock) -> float:
        _, meter = await meter_on_wet_cell(clock)
        begun_s = clock.monotonic_s()
        await meter.perform("measure_current_sweep", {**SWEEP, "dwell_s": 30.0})
        return clock.monotonic_s() - begun_s

    assert 150.0 <= in_virtual_time(main) <= 153.0


def test_a_trace_is_taken_at_its_interval() -> None:
    async def main(clock: VirtualClock) -> object:
        _, meter = await meter_on_wet_cell(clock)
        readings = await meter.perform(
            "measure_voltage_trace", {"n_readings": 6, "interval_s": 10.0}
        )
        return readings[0].value

    assert in_virtual_time(main) == pytest.approx((0.0, 10.0, 20.0, 30.0, 40.0, 50.0), abs=0.1)


def test_two_equal_ends_are_refused_before_a_byte() -> None:
    async def main(clock: VirtualClock) -> tuple[BaseException, list[bytes]]:
        line = MemoryLine([])
        await line.open()
        meter = Keithley2450.from_settings("meter", line, clock, {})
        error = await error_of(meter.perform("measure_current_sweep", {**SWEEP, "stop_ma": 1.0}))
        return error, line.written

    error, written = in_virtual_time(main)
    assert isinstance(error, LimitError)
    assert written == []


@pytest.mark.parametrize(
    "script",
    [
        (r"> *IDN?\n", r"< KEITHLEY INSTRUMENTS,MODEL 2461,1,1\n"),
        (r"> *IDN?\n", r"< ACME\n"),
        (r"> *IDN?\n", IDENTITY, r"> *LANG?\n", r"< TSP\n"),
        (r"> *IDN?\n", IDENTITY, r"> *LANG?\n", r"< SCPI2400\n"),
    ],
)
def test_another_device_or_language_is_refused(script: tuple[str, ...]) -> None:
    async def main(clock: VirtualClock) -> BaseException:
        line = MemoryLine.from_lines(*script)
        await line.open()
        return await error_of(Keithley2450.from_settings("meter", line, clock, {}).connect())

    assert isinstance(in_virtual_time(main), RigError)


def test_a_question_that_is_refused_is_a_fault_with_the_devices_own_words() -> None:
    async def main(clock: VirtualClock) -> BaseException:
        line = MemoryLine.from_lines(
            r"> *CLS\n",
            r"> :SOUR:FUNC CURR\n",
            r"> :SOUR:FUNC?\n",
            r"> :SYST:ERR?\n",
            r'< -113,"Undefined header;1;2024/05/06 12:55:33.648"\n',
        )
        await line.open()
        meter = Keithley2450.from_settings("meter", line, clock, {})
        return await error_of(meter.perform("measure_current_sweep", SWEEP))

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.code == "-113"
    assert "Undefined header" in error.text


def test_silence_is_an_unknown_outcome() -> None:
    async def main(clock: VirtualClock) -> BaseException:
        line = MemoryLine.from_lines(
            r"> *CLS\n", r"> :SOUR:FUNC CURR\n", r"> :SOUR:FUNC?\n", r"> :SYST:ERR?\n"
        )
        await line.open()
        meter = Keithley2450.from_settings("meter", line, clock, {})
        return await error_of(meter.perform("measure_current_sweep", SWEEP))

    error = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert ":SOUR:FUNC?" in error.reason


def test_an_output_that_stays_on_is_told() -> None:
    async def main(clock: VirtualClock) -> BaseException:
        line = MemoryLine.from_lines(*[r"> :OUTP OFF\n", r"> :OUTP?\n", r"< 1\n"] * 2)
        await line.open()
        return await error_of(Keithley2450.from_settings("meter", line, clock, {}).stop())

    error = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert "may still be on" in error.reason


def test_a_line_that_drops_in_mid_sweep_says_that_the_output_may_be_on() -> None:
    async def main(clock: VirtualClock) -> BaseException:
        bench, meter = await meter_on_wet_cell(clock)
        asyncio.get_running_loop().call_later(5.0, bench.line("source_meter").unplug)  # type: ignore[attr-defined]
        return await error_of(meter.perform("measure_current_sweep", SWEEP))

    error = in_virtual_time(main)
    assert isinstance(error, OutcomeUnknown)
    assert "may still be on" in error.reason
    assert isinstance(error.__cause__, LineError | OutcomeUnknown)


def test_an_output_switched_off_by_another_hand_is_a_fault() -> None:
    async def main(clock: VirtualClock) -> BaseException:
        _, meter = await meter_on_wet_cell(clock)
        async with asyncio.TaskGroup() as group:
            sweep = group.create_task(error_of(meter.perform("measure_current_sweep", SWEEP)))
            await clock.sleep(5.0)
            await meter.stop()
        return sweep.result()

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert "switched off" in error.text


FOUR_POINT = {"current_ma": 1.0, "n_reversals": 10, "voltage_limit_v": 20.0}


async def four_point_on_ceria(clock: VirtualClock, plate_c: float) -> dict[str, float]:
    """Return what the probe reads of ceria with a tenth of gadolinium on a plate of its own."""
    rig = rig_of_all_drivers()
    meter_table = {**rig["instruments"]["keithley_2450"], "at": "vessel"}
    stock = {"volume_ml": 100.0, "concentration_mol_per_l": 0.5, "density_g_per_ml": 1.0}
    rig["stock"] = {**rig["stock"], "Ce": stock, "Gd": stock}
    rig["instruments"] = {**rig["instruments"], "keithley_2450": meter_table}
    rig["simulation"] = {**rig["simulation"], "world": "doped_ceria"}
    bench = Bench.from_rig(rig, clock, seed=7)
    bench.plumbing.pour("vessel", {"Ce": 900.0, "Gd": 100.0}, 0.0)
    bench.plumbing.warmth.heated_by("vessel", lambda: plate_c)
    meter = await instrument_on(bench, "keithley_2450", clock)
    await meter.connect()
    readings = await meter.perform("measure_resistance_four_point", FOUR_POINT)
    return {one.name: float(one.value) for one in readings}  # type: ignore[arg-type]


def test_turning_the_current_leaves_the_thermoelectric_voltage_out() -> None:
    async def main(clock: VirtualClock) -> dict[str, float]:
        return await four_point_on_ceria(clock, 500.0)

    got = in_virtual_time(main)
    resistivity_ohm_m = 2.0 * math.pi * 1e-3 * got["resistance_ohm"]
    assert resistivity_ohm_m == pytest.approx(1.0536, rel=0.15)  # the world's own spread
    assert got["offset_v"] == pytest.approx(40e-6, abs=2e-6)
    assert got["resistance_sd_ohm"] < 0.01 * got["resistance_ohm"]


def test_what_heats_the_position_changes_what_the_probe_reads() -> None:
    async def main(clock: VirtualClock) -> list[float]:
        return [
            (await four_point_on_ceria(clock, plate_c))["resistance_ohm"]
            for plate_c in (450.0, 500.0, 600.0)
        ]

    cool, as_asked, hot = in_virtual_time(main)
    assert cool > as_asked > 2.0 * hot


def test_needles_on_nothing_are_a_fault_and_the_output_is_off() -> None:
    async def main(clock: VirtualClock) -> tuple[BaseException, bool]:
        bench = bench_of(clock)
        meter = await instrument_on(bench, "keithley_2450", clock)
        await meter.connect()
        error = await error_of(meter.perform("measure_resistance_four_point", FOUR_POINT))
        return error, bench.device("keithley_2450").is_busy

    error, is_on = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.code in {"overflow", "limit"}
    assert not is_on
