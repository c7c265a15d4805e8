"""The pretend temperature module: a lag, limits, and active cooling only while it is hot."""

from drivers.clock import VirtualClock
from simulators.devices.opentrons_temperature_module import OpentronsTemperatureModuleDevice
from tests.support.pretend_bench import fittings_of, run_virtually, small_plumbing


def plate_after(target_c: float, *waits_s: float) -> list[float]:
    async def main(clock: VirtualClock) -> list[float]:
        device = OpentronsTemperatureModuleDevice(fittings_of(clock))
        device.receive(f"M104 S{target_c:.3f}\r\n".encode())
        found = []
        for wait_s in waits_s:
            await clock.sleep(wait_s)
            device.receive(b"M105\r\n")
            found.append(device.plate_c)
        return found

    return run_virtually(main)


def test_the_plate_lags_behind_its_target_and_does_not_overshoot():
    soon, later, at_last = plate_after(60.0, 10.0, 60.0, 600.0)

    assert 22.0 < soon < 27.0
    assert soon < later < 60.0
    assert 59.9 < at_last <= 60.0


def test_targets_beyond_its_range_are_acknowledged_and_not_taken():
    assert plate_after(96.0, 300.0) == [22.0]
    assert plate_after(3.0, 300.0) == [22.0]


def test_a_hot_plate_is_cooled_until_it_does_not_burn_and_is_then_left_alone():
    async def main(clock: VirtualClock) -> list[float]:
        device = OpentronsTemperatureModuleDevice(fittings_of(clock))
        device.receive(b"M104 S95\r\n")
        await clock.sleep(900.0)
        device.receive(b"M18\r\n")
        found = []
        for wait_s in (0.0, 300.0, 600.0):
            await clock.sleep(wait_s)
            device.receive(b"M105\r\n")
            found.append(device.plate_c)
        return found

    hot_c, safe_c, later_c = run_virtually(main)
    assert hot_c > 94.0
    assert 50.0 < safe_c < 56.0
    assert 35.0 < later_c < safe_c - 5.0


def test_a_position_is_as_warm_as_the_plate_under_it_and_else_as_the_room():
    async def main(clock: VirtualClock) -> tuple[float, float]:
        plumbing = small_plumbing()
        device = OpentronsTemperatureModuleDevice(
            fittings_of(clock, plumbing=plumbing, at="vessel")
        )
        device.receive(b"M104 S60\r\n")
        await clock.sleep(600.0)
        return plumbing.warmth.temperature_c("vessel"), plumbing.warmth.temperature_c("cell")

    vessel_c, cell_c = run_virtually(main)
    assert vessel_c > 59.0
    assert cell_c == 22.0
