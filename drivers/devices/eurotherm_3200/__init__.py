"""One Eurotherm 3200 series temperature controller with a furnace behind it."""

from drivers.devices.eurotherm_3200.driver import Eurotherm3200

__all__ = ["Eurotherm3200"]
