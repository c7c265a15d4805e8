"""Builds the device as the transcript finds it."""

from collections.abc import Mapping

from drivers.clock import Clock
from simulators.device import FramedDevice
from simulators.devices.manual_station import ManualStationDevice
from tests.support.pretend_bench import fittings_of


async def device_given(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    return ManualStationDevice(fittings_of(clock, at="vessel"))
