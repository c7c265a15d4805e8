"""The Keithley 2450 source-meter."""

from drivers.devices.keithley_2450.driver import Keithley2450

__all__ = ["Keithley2450"]
