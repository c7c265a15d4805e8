"""Builds the device as the transcript finds it."""

from collections.abc import Mapping

from drivers.clock import Clock
from simulators.device import FramedDevice
from simulators.devices.mettler_toledo_sics import MettlerToledoSicsDevice
from tests.support.pretend_bench import fittings_of, small_plumbing


class Stirrer:
    """Keeps a vessel in motion for ever."""

    def settle(self, now_s: float) -> None:
        pass

    def touches(self, vessel: str) -> bool:
        return True


async def device_given(given: Mapping[str, object], clock: Clock) -> FramedDevice:
    load_g = given.get("load_g", 0.0)
    assert isinstance(load_g, float)
    plumbing = small_plumbing()
    if given.get("is_settling"):
        plumbing.start(Stirrer())
    fittings = fittings_of(clock, plumbing=plumbing, at="vessel")
    return MettlerToledoSicsDevice(fittings, vessel_g=load_g, noise_g=0.0, drift_g=0.0)
