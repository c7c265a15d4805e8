"""Builds the device as the transcript finds it."""

from collections.abc import Mapping

from drivers.clock import Clock
from simulators.device import FramedDevice
from simulators.devices.numato_usb_relay import NumatoUsbRelayDevice
from tests.support.pretend_bench import fittings_of


async def device_given(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    return NumatoUsbRelayDevice(fittings_of(clock, settings={"address": given.get("address", 0)}))
