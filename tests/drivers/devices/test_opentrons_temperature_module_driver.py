"""The temperature module's driver against a pretend one: plates that fail, cables that fall out."""

import asyncio

import pytest

from drivers.clock import VirtualClock
from drivers.errors import DeviceFault, NothingDone, OutcomeUnknown, RigError
from drivers.instrument import Instrument
from simulators.bench import Bench
from simulators.devices.opentrons_temperature_module import OpentronsTemperatureModuleDevice
from tests.support.driver_rig import bench_of, instrument_on
from tests.support.virtual_time import error_of, in_virtual_time

NAME = "opentrons_temperature_module"
HOLD = {"temperature_c": 60.0, "dwell_min": 10.0}


async def connected(
    clock: VirtualClock,
) -> tuple[Bench, Instrument, OpentronsTemperatureModuleDevice]:
    bench = bench_of(clock)
    module = await instrument_on(bench, NAME, clock)
    await module.connect()
    device = bench.device(NAME)
    assert isinstance(device, OpentronsTemperatureModuleDevice)
    return bench, module, device


def test_a_sample_is_held_at_its_temperature_and_the_plate_is_off_afterwards():
    async def main(clock):
        bench, module, device = await connected(clock)
        readings = await module.perform("hold_temperature", HOLD)
        warmth_c = bench.plumbing.warmth.temperature_c("vessel")
        return [one.value for one in readings], device.is_busy, warmth_c

    (lowest_c, highest_c), is_busy, vessel_c = in_virtual_time(main)
    assert 59.4 < lowest_c <= highest_c < 60.6
    assert not is_busy
    assert vessel_c > 50.0  # it is still warm


def test_a_set_temperature_stays_for_the_jobs_that_follow():
    async def main(clock):
        bench, module, device = await connected(clock)
        await module.perform("set_temperature", {"temperature_c": 4.0})
        await clock.sleep(600.0)
        (now,) = await module.perform("measure_temperature", {})
        held = device.is_busy, now.value, bench.plumbing.warmth.temperature_c("vessel")
        await module.make_safe()
        return held, device.is_busy

    (is_busy, value, vessel_c), is_busy_after = in_virtual_time(main)
    assert is_busy
    assert value == pytest.approx(4.0, abs=0.6)
    assert vessel_c == pytest.approx(value, abs=0.01)
    assert not is_busy_after


@pytest.mark.parametrize("broken_from_s", [1.0, 400.0])
def test_a_plate_that_gives_up_ends_as_a_fault_that_has_acted(broken_from_s):
    async def main(clock):
        _, module, device = await connected(clock)
        asyncio.get_running_loop().call_later(
            broken_from_s, setattr, device, "is_element_broken", True
        )
        error = await error_of(module.perform("hold_temperature", HOLD))
        return error, device.is_busy

    error, is_busy = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.acted
    assert error.code == ("late" if broken_from_s == 1.0 else "deviation")
    assert "then it was disengaged" in error.text
    assert not is_busy


def test_a_power_cut_while_it_holds_is_noticed_by_its_target():
    async def main(clock):
        _, module, device = await connected(clock)
        asyncio.get_running_loop().call_later(300.0, device.power_cycle)
        return await error_of(module.perform("hold_temperature", HOLD))

    error = in_virtual_time(main)
    assert isinstance(error, DeviceFault)
    assert error.code == "read-back"
    assert "None" in error.text


def test_a_cable_that_falls_out_while_it_holds_leaves_a_doubt_and_before_that_nothing():
    async def main(clock):
        bench, module, device = await connected(clock)
        line = bench.line("temperature_module")
        asyncio.get_running_loop().call_later(300.0, line.unplug)
        cut = await error_of(module.perform("hold_temperature", HOLD))
        return cut, device.is_busy

    cut, is_busy = in_virtual_time(main)
    assert isinstance(cut, OutcomeUnknown)
    assert "not proved to be off" in str(cut)
    assert is_busy  # nobody could tell it


def test_a_module_that_does_not_answer_beforehand_has_done_nothing():
    async def main(clock):
        bench = bench_of(clock, {"instrument": NAME, "kind": "lost", "exchange": 4})
        module = await instrument_on(bench, NAME, clock)
        await module.connect()
        error = await error_of(module.perform("hold_temperature", HOLD))
        return error, len(bench.acts()[NAME])

    error, n_acts = in_virtual_time(main)
    assert isinstance(error, NothingDone)
    assert n_acts == 0


def test_another_module_than_the_one_on_the_label_is_refused():
    async def main(clock):
        bench = bench_of(clock)
        line = bench.line("temperature_module")
        await line.open()
        from drivers.devices.opentrons_temperature_module import OpentronsTemperatureModule

        other = OpentronsTemperatureModule.from_settings(
            NAME, line, clock, {"serial_number": "TDV99"}
        )
        return await error_of(other.connect())

    error = in_virtual_time(main)
    assert isinstance(error, RigError)
    assert error.key == f"instruments.{NAME}.settings.serial_number"
