"""Scans of the source-meter: the staircase, its pace, its limits, and open terminals after it."""

import pytest

from drivers.errors import DeviceFault, LimitError, OutcomeUnknown
from tests.support.driver_rig import bench_of, instrument_on
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "keithley_2450"
SCAN = {
    "start_v": 0.0,
    "first_vertex_v": 0.4,
    "second_vertex_v": -0.2,
    "scan_rate_mv_per_s": 50.0,
    "step_mv": 20.0,
    "n_cycles": 2,
    "current_limit_ma": 1.0,
}


async def scanned(clock, *faults, **change):
    bench = bench_of(clock, *faults)
    meter = await instrument_on(bench, NAME, clock)
    await meter.connect()
    arguments = {**SCAN, **change}
    begun_s = clock.monotonic_s()
    readings = await meter.perform("measure_cyclic_voltammogram", arguments)
    named_s = meter.actions["measure_cyclic_voltammogram"].duration_s(**arguments)
    found = {one.name: one.value for one in readings}
    return found, clock.monotonic_s() - begun_s, named_s, bench.device(NAME)


def test_a_resistor_gives_a_straight_line_at_the_rate_that_was_asked():
    found, took_s, named_s, device = in_virtual_time(scanned)

    assert len(found["time_s"]) == 1 + 2 * 60
    assert max(found["voltage_v"]) == 0.4
    assert min(found["voltage_v"]) == -0.2
    line = zip(found["voltage_v"], found["current_a"], strict=True)
    assert all(current_a == pytest.approx(voltage_v / 1000.0) for voltage_v, current_a in line)
    assert found["time_s"][-1] == pytest.approx(2 * 60 * 0.4, rel=0.01)
    assert found["limit_state"] == "clear"
    assert 0.9 * named_s < took_s <= named_s
    assert not device.is_busy
    assert [act.act for act in device.acts] == ["output on", "output off"]


def test_a_current_at_its_limit_is_told():
    async def main(clock):
        return await scanned(clock, current_limit_ma=0.1, n_cycles=1)

    found, *_ = in_virtual_time(main)
    assert found["limit_state"] == "tripped"
    assert max(found["current_a"]) == pytest.approx(1e-4)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"first_vertex_v": 0.0, "second_vertex_v": 0.0}, "step_mv"),
        ({"first_vertex_v": 5.0, "step_mv": 0.1}, "step_mv"),
        ({"scan_rate_mv_per_s": 150.0}, "scan_rate_mv_per_s"),
        ({"first_vertex_v": 5.1}, "first_vertex_v"),
    ],
)
def test_scans_that_cannot_be_are_refused_before_a_byte_is_sent(change, where):
    async def main(clock):
        bench = bench_of(clock)
        meter = await instrument_on(bench, NAME, clock)
        await meter.connect()
        before = bench.device(NAME).faults.n_requests
        arguments = {**SCAN, "n_cycles": 1, **change}
        error = await error_of(meter.perform("measure_cyclic_voltammogram", arguments))
        return error, bench.device(NAME).faults.n_requests - before

    error, n_requests = in_virtual_time(main)
    assert isinstance(error, LimitError)
    assert error.where.endswith(where)
    assert n_requests == 0


@pytest.mark.parametrize(("delay_s", "expected"), [(1.5, DeviceFault), (20.0, OutcomeUnknown)])
def test_a_scan_that_falls_behind_is_none(delay_s, expected):
    async def main(clock):
        fault = {"instrument": NAME, "kind": "late", "exchange": 61, "delay_s": delay_s}
        bench = bench_of(clock, fault)
        meter = await instrument_on(bench, NAME, clock)
        await meter.connect()
        error = await error_of(meter.perform("measure_cyclic_voltammogram", SCAN))
        return error, bench.device(NAME).is_busy

    error, is_on = in_virtual_time(main)
    assert isinstance(error, expected)
    assert not is_on
