"""Pretend devices, one module for each driver and of the driver's name."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Final, TypeAlias

from drivers.errors import RigError
from simulators.device import Fittings, FramedDevice

__all__ = ["DeviceFactory", "device_for"]

DeviceFactory: TypeAlias = Callable[[Fittings], FramedDevice]
PRETEND_DEVICES: Final = "athanor.pretend_devices"
_EXPECTED: Final = "a driver with a pretend device"


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
        return _brought_by_others(driver, key)
    module = import_module(module_name)
    found = [
        member
        for member in vars(module).values()
        if isinstance(member, type)
        and issubclass(member, FramedDevice)
        and member.__module__ == module_name
    ]
    if len(found) != 1:
        raise RigError(key, got=driver, expected=_EXPECTED)
    return found[0]


def _brought_by_others(driver: str, key: str) -> DeviceFactory:
    """Return the pretend device that another package names among ``athanor.pretend_devices``."""
    found = entry_points(group=PRETEND_DEVICES)
    if driver not in found.names:
        raise RigError(key, got=driver, expected=_EXPECTED)
    try:
        factory = found[driver].load()
    except (ImportError, AttributeError) as error:
        raise RigError(key, got=driver, expected=f"an import that works: {error}") from error
    if not isinstance(factory, type) or not issubclass(factory, FramedDevice):
        raise RigError(key, got=driver, expected="the name of a FramedDevice class")
    return factory
