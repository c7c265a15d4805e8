"""Quantities as people write them, ``351±2 mV``, in the unit that a name ends in.

A unit that is said is converted or refused, never ignored. Degrees Celsius and kelvins are not
converted into each other: nobody can tell a temperature from a difference by its name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

from campaigns.units import unit_suffix
from orchestrator.errors import RequestRefused
from orchestrator.service.labels import label_from_name

__all__ = ["Quantity", "quantity_from"]

_QUANTITY: Final = re.compile(
    r"""\s*(?P<value>[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?)
        (\s*(±|\+-|\+/-)\s*(?P<sd>([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?))?
        \s*(?P<unit>[A-Za-zµμΩ°%$].*?)?\s*""",
    re.VERBOSE,
)

_Kind: TypeAlias = tuple[str, str]
"""What is measured, over what; nothing over nothing is a plain number."""

_BASE: Final[Mapping[str, tuple[str, Fraction]]] = {
    "V": ("voltage", Fraction(1)),
    "mV": ("voltage", Fraction(1, 10**3)),
    "A": ("current", Fraction(1)),
    "mA": ("current", Fraction(1, 10**3)),
    "µA": ("current", Fraction(1, 10**6)),
    "Ω": ("resistance", Fraction(1)),
    "kΩ": ("resistance", Fraction(10**3)),
    "W": ("power", Fraction(1)),
    "mW": ("power", Fraction(1, 10**3)),
    "J": ("energy", Fraction(1)),
    "kJ": ("energy", Fraction(10**3)),
    "eV": ("energy of a particle", Fraction(1)),
    "meV": ("energy of a particle", Fraction(1, 10**3)),
    "Hz": ("frequency", Fraction(1)),
    "kHz": ("frequency", Fraction(10**3)),
    "MHz": ("frequency", Fraction(10**6)),
    "GHz": ("frequency", Fraction(10**9)),
    "°C": ("Celsius temperature", Fraction(1)),
    "K": ("kelvins", Fraction(1)),
    "ms": ("time", Fraction(1, 10**3)),
    "s": ("time", Fraction(1)),
    "min": ("time", Fraction(60)),
    "h": ("time", Fraction(3600)),
    "d": ("time", Fraction(86_400)),
    "nm": ("length", Fraction(1, 10**9)),
    "µm": ("length", Fraction(1, 10**6)),
    "mm": ("length", Fraction(1, 10**3)),
    "cm": ("length", Fraction(1, 10**2)),
    "m": ("length", Fraction(1)),
    "cm2": ("area", Fraction(1, 10**4)),
    "m2": ("area", Fraction(1)),
    "µl": ("volume", Fraction(1, 10**9)),
    "ml": ("volume", Fraction(1, 10**6)),
    "cm3": ("volume", Fraction(1, 10**6)),
    "l": ("volume", Fraction(1, 10**3)),
    "m3": ("volume", Fraction(1)),
    "µg": ("mass", Fraction(1, 10**6)),
    "mg": ("mass", Fraction(1, 10**3)),
    "g": ("mass", Fraction(1)),
    "kg": ("mass", Fraction(10**3)),
    "mmol": ("amount", Fraction(1, 10**3)),
    "mol": ("amount", Fraction(1)),
    "Pa": ("pressure", Fraction(1)),
    "kPa": ("pressure", Fraction(10**3)),
    "mbar": ("pressure", Fraction(100)),
    "bar": ("pressure", Fraction(10**5)),
    "MPa": ("pressure", Fraction(10**6)),
    "GPa": ("pressure", Fraction(10**9)),
    "rpm": ("turns per minute", Fraction(1)),
    "S": ("conductance", Fraction(1)),
    "mS": ("conductance", Fraction(1, 10**3)),
    "°": ("angle in degrees", Fraction(1)),
    "rad": ("angle in radians", Fraction(1)),
    "fraction": ("share", Fraction(1)),
    "%": ("share", Fraction(1, 100)),
    "ppm": ("share", Fraction(1, 10**6)),
    "USD": ("money", Fraction(1)),
    "decade": ("decades", Fraction(1)),
    "atom": ("atoms", Fraction(1)),
}
"""By sign: what it measures, and how much of that kind's first unit it is. Signs keep their case:
mPa is no MPa."""

_SPELLINGS: Final[Mapping[str, str]] = {
    "uA": "µA",
    "ohm": "Ω",
    "kohm": "kΩ",
    "C": "°C",
    "degC": "°C",
    "um": "µm",
    "ul": "µl",
    "uL": "µl",
    "µL": "µl",
    "mL": "ml",
    "L": "l",
    "ug": "µg",
    "hour": "h",
    "deg": "°",
    "dec": "decade",
    "$": "USD",
}
"""Other ways to write a sign."""

_OF_SUFFIX: Final[Mapping[str, str]] = {
    **{sign.lower(): sign for sign in _BASE if sign.isascii() and sign.isalnum()},
    "ua": "µA",
    "ohm": "Ω",
    "kohm": "kΩ",
    "c": "°C",
    "s": "s",
    "ms": "ms",
    "um": "µm",
    "ul": "µl",
    "ug": "µg",
    "deg": "°",
    "hour": "h",
    "s_per_cm": "S/cm",
    "ms_per_cm": "mS/cm",
}
"""By suffix of a name, its sign; ``x_per_y`` is made of two unless it stands here."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the unit of its name."""

    value: float
    sd: float | None = None
    """Standard error; None where none was said."""


def quantity_from(name: str, text: str) -> Quantity:
    """Read a number, with its standard error and its unit if they are said.

    Args:
        name: Of what is measured; its suffix says the unit of what is returned.
        text: ``0.351``, ``0.351±0.002``, ``351 mV``, ``351±2 mV``; ``+-`` may stand for the sign.

    Returns:
        The nearest doubles; conversion is exact.

    Raises:
        RequestRefused: It is no number, or its unit is unknown or does not measure what the name's
            does.

    Example:
        >>> quantity_from("overpotential_v", "351±2 mV")
        Quantity(value=0.351, sd=0.002)
        >>> quantity_from("yield_fraction", "93 %")
        Quantity(value=0.93, sd=None)
    """
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise RequestRefused(f"{name}: got {text!r}, expected a number such as 0.351±0.002")
    ratio = Fraction(1) if found["unit"] is None else _ratio(name, found["unit"])
    sd = found["sd"]
    return Quantity(
        value=_number(name, found["value"], ratio),
        sd=None if sd is None else _number(name, sd, ratio),
    )


def _number(name: str, text: str, ratio: Fraction) -> float:
    try:
        return float(Fraction(text) * ratio)
    except OverflowError as error:
        raise RequestRefused(f"{name}: got {text}, expected a finite number") from error


def _ratio(name: str, written: str) -> Fraction:
    """Return how many of the name's unit one of a written unit is."""
    shown = label_from_name(name).partition(" (")[2].removesuffix(")")
    suffix = unit_suffix(name)
    if written == shown:
        return Fraction(1)
    if suffix is None:
        raise RequestRefused(
            f"{name}: got the unit {written!r}, but the name says no unit; give the number alone"
        )
    wanted = _sign_of(suffix)
    if written in (suffix, wanted):
        return Fraction(1)
    ours, theirs = _unit(wanted), _unit(written)
    if ours is None or theirs is None or ours[0] != theirs[0]:
        expected = shown if ours is None else _alternatives(ours[0], wanted)
        raise RequestRefused(f"{name}: got the unit {written!r}, expected {expected}")
    return theirs[1] / ours[1]


def _sign_of(suffix: str) -> str:
    """Return a suffix as a sign: ``ma_per_cm2`` is ``mA/cm2``."""
    if suffix in _OF_SUFFIX:
        return _OF_SUFFIX[suffix]
    above, _, below = suffix.partition("_per_")
    return f"{_sign_of(above)}/{_sign_of(below)}" if below else suffix


def _unit(text: str) -> tuple[_Kind, Fraction] | None:
    """Return what a sign measures and how much of it; None for an unknown one."""
    plain = text.replace(" ", "").replace("²", "2").replace("³", "3").replace("μ", "µ")
    above, slash, below = plain.partition("/")
    found = _BASE.get(_SPELLINGS.get(above, above))
    if found is None or not slash:
        return None if found is None else ((found[0], ""), found[1])
    over = _BASE.get(_SPELLINGS.get(below, below))
    return None if over is None else ((found[0], over[0]), found[1] / over[1])


def _alternatives(kind: _Kind, wanted: str) -> str:
    """Return which units would do, the wanted one first."""
    others = [] if kind[1] else [sign for sign, (what, _) in _BASE.items() if what == kind[0]]
    return " or ".join(dict.fromkeys([wanted, *others]))
