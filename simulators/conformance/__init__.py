"""Tries a driver against its pretend device and its transcript: the kit behind `drivers check`."""

from simulators.conformance.kit import StandardKit

__all__ = ["StandardKit"]
