"""Builds the device as the transcript finds it."""

from collections.abc import Mapping

from drivers.clock import Clock
from simulators.device import FramedDevice
from simulators.devices.keithley_2450 import Keithley2450Device
from tests.support.pretend_bench import fittings_of


async def device_given(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    device = Keithley2450Device(fittings_of(clock))
    settings = given.get("settings", [])
    assert isinstance(settings, list)
    for setting in settings:
        assert device.receive(f"{setting}\n".encode()) == []
    return device
