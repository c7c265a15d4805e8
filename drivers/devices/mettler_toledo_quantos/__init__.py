"""One Mettler Toledo Quantos powder dosing module with its balance."""

from drivers.devices.mettler_toledo_quantos.driver import MettlerToledoQuantos

__all__ = ["MettlerToledoQuantos"]
