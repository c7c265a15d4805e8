"""One Tecan Cavro syringe pump with its valve."""

from drivers.devices.tecan_cavro.driver import TecanCavro

__all__ = ["TecanCavro"]
