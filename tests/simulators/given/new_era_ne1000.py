"""Builds the device as the transcript finds it."""

from collections.abc import Mapping

from drivers.clock import Clock
from simulators.device import FramedDevice
from simulators.devices.new_era_ne1000 import NewEraNe1000Device
from tests.support.pretend_bench import fittings_of


async def device_given(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    syringe = {"syringe_diameter_mm": 14.57, "syringe_volume_ml": 10.0}
    address = given.get("address", 1)
    settings = {"address": address, **syringe}
    fittings = fittings_of(clock, settings=settings, draws_from="stock", delivers_to="vessel")
    diameter_mm = given.get("diameter_mm", 14.57)
    assert isinstance(diameter_mm, float)
    device = NewEraNe1000Device(fittings, diameter_mm=diameter_mm)
    if "alarm" in given:
        return device
    volume = f"VOL{given.get('volume_ul', 5000.0):g}"
    fill = ["", "VOLUL", "DIRWDR", volume, "RAT5000UM", "RUN"]
    for command in fill:
        device.receive(f"{address}{command}\r".encode())
    await clock.sleep(61.0)
    reset = ["", "CLDINF", "CLDWDR", "DIRINF", "VOL0", "RAT0UM"]
    for command in [*reset, f"VOL{given.get('volume_units', 'UL')}"]:
        device.receive(f"{address}{command}\r".encode())
    return device
