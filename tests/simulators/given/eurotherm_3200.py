"""Builds the device as the transcript finds it."""

from collections.abc import Mapping

from drivers.clock import Clock
from simulators.device import FramedDevice
from simulators.devices.eurotherm_3200 import Eurotherm3200Device
from tests.support.pretend_bench import fittings_of


async def device_given(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    settings = {"address": given.get("address", 1), "n_decimals": 1}
    return Eurotherm3200Device(fittings_of(clock, settings=settings))
