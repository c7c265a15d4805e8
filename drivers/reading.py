"""One raw value from an instrument."""

from dataclasses import dataclass

__all__ = ["Reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One raw value, or one series, from an instrument."""

    name: str
    """What was read, with its unit as the suffix: ``mass_g``."""
    value: float | tuple[float, ...] | str
    """The value, or the series, in the unit of the name."""
