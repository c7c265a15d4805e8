"""One Opentrons Temperature Module."""

from drivers.devices.opentrons_temperature_module.driver import OpentronsTemperatureModule

__all__ = ["OpentronsTemperatureModule"]
