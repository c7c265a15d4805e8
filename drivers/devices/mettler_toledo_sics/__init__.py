"""Mettler Toledo balances that speak MT-SICS."""

from drivers.devices.mettler_toledo_sics.driver import MettlerToledoSics

__all__ = ["MettlerToledoSics"]
