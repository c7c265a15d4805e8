"""Pretend devices, one module for each driver and of the driver's name."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import TypeAlias

from drivers.errors import RigError
from simulators.device import Fittings, FramedDevice

__all__ = ["DeviceFactory", "device_for"]

DeviceFactory: TypeAlias = Callable[[Fittings], FramedDevice]


def device_for(driver: str, *, key: str) -> DeviceFactory:
    """Return what makes the pretend device of a driver.

    Args:
        driver: The driver's name; the device is the one class of a pretend device that the
            module of that name defines.
        key: Where the rig file names it, for the error.

    Raises:
        RigError: There is no pretend device for this driver.
    """
    module_name = f"{__name__}.{driver}"
    if not driver.isidentifier() or find_spec(module_name) is None:
        raise RigError(key, got=driver, expected="a driver with a pretend device")
    module = import_module(module_name)
    found = [
        member
        for member in vars(module).values()
        if isinstance(member, type)
        and issubclass(member, FramedDevice)
        and member.__module__ == module_name
    ]
    if len(found) != 1:
        raise RigError(key, got=driver, expected="a driver with a pretend device")
    return found[0]
