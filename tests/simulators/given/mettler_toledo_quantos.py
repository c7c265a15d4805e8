"""Builds the device as the transcript finds it."""

from collections.abc import Mapping

from drivers.clock import Clock
from simulators.bench import Bench
from simulators.device import FramedDevice
from simulators.devices.mettler_toledo_quantos import MettlerToledoQuantosDevice
from tests.support.driver_rig import rig_of_all_drivers


async def device_given(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    bench = Bench.from_rig(rig_of_all_drivers(), clock, seed=7)
    device = bench.device("mettler_toledo_quantos")
    assert isinstance(device, MettlerToledoQuantosDevice)
    device.is_head_mounted = bool(given.get("is_head_mounted", True))
    return device
