"""One Keysight Truevolt multimeter."""

from drivers.devices.keysight_truevolt.driver import KeysightTruevolt

__all__ = ["KeysightTruevolt"]
