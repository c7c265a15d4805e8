"""One relay of a Numato Lab USB relay module."""

from drivers.devices.numato_usb_relay.driver import NumatoUsbRelay

__all__ = ["NumatoUsbRelay"]
