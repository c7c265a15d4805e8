"""The manual station: a person who does tasks from a board."""

from drivers.devices.manual_station.driver import ManualStation

__all__ = ["ManualStation"]
