"""Thermoelectric voltage of a type K thermocouple."""

import math
from typing import Final

__all__ = ["HIGHEST_C", "type_k_voltage_v"]

HIGHEST_C: Final = 1372.0
"""Upper end of the type K reference function, in degrees Celsius."""

_MILLIVOLTS: Final = (
    -0.176004136860e-01,
    0.389212049750e-01,
    0.185587700320e-04,
    -0.994575928740e-07,
    0.318409457190e-09,
    -0.560728448890e-12,
    0.560750590590e-15,
    -0.320207200030e-18,
    0.971511471520e-22,
    -0.121047212750e-25,
)
_BUMP: Final = (0.118597600000, -0.118343200000e-03, 126.968600000)


def type_k_voltage_v(temperature_c: float) -> float:
    """Return the voltage against a reference junction at 0 degrees Celsius.

    The reference function of the NIST ITS-90 Thermocouple Database (SRD 60, Monograph 175),
    type K, 0 to 1372 degrees Celsius.

    Args:
        temperature_c: Temperature of the hot junction, 0 to 1372 degrees Celsius.

    Raises:
        ValueError: Outside that range.

    Example:
        >>> round(type_k_voltage_v(1000.0) * 1e3, 3)
        41.276
    """
    if not 0.0 <= temperature_c <= HIGHEST_C:
        raise ValueError(f"type K: got {temperature_c} C, expected 0 to {HIGHEST_C:g} C")
    total = 0.0
    for coefficient in reversed(_MILLIVOLTS):
        total = total * temperature_c + coefficient
    height, width, centre = _BUMP
    total += height * math.exp(width * (temperature_c - centre) ** 2)
    return total * 1e-3
