"""Names with unit suffixes as people read them: ``overpotential_v`` is ``overpotential (V)``."""

from collections.abc import Mapping
from typing import Final

__all__ = ["arguments_text", "label_from_name", "number_text"]

_UNITS: Final[dict[str, str]] = {
    "usd_per_mol": "USD/mol",
    "usd_per_kg": "USD/kg",
    "usd_per_ml": "USD/ml",
    "usd_per_g": "USD/g",
    "usd_per_hour": "USD/h",
    "ma_per_cm2": "mA/cm²",
    "g_per_cm3": "g/cm³",
    "g_per_ml": "g/ml",
    "mol_per_l": "mol/l",
    "ul_per_min": "µl/min",
    "ml_per_min": "ml/min",
    "ul_per_s": "µl/s",
    "s_per_cm": "S/cm",
    "w_per_m_k": "W/(m·K)",
    "fraction": "fraction",
    "usd": "USD",
    "mpa": "MPa",
    "gpa": "GPa",
    "ohm": "Ω",
    "min": "min",
    "hv": "HV",
    "ev": "eV",
    "mv": "mV",
    "ma": "mA",
    "mg": "mg",
    "kg": "kg",
    "ml": "ml",
    "ul": "µl",
    "nm": "nm",
    "um": "µm",
    "mm": "mm",
    "cm": "cm",
    "hz": "Hz",
    "pa": "Pa",
    "c": "°C",
    "k": "K",
    "s": "s",
    "h": "h",
    "g": "g",
    "v": "V",
    "a": "A",
    "w": "W",
    "j": "J",
}
"""By suffix; a longer suffix stands before a shorter one that it ends with."""


def label_from_name(name: str) -> str:
    """Return a name as a heading or an axis title.

    Example:
        >>> label_from_name("overpotential_v"), label_from_name("Li")
        ('overpotential (V)', 'Li')
        >>> label_from_name("metal_cost_usd_per_mol")
        'metal cost (USD/mol)'
    """
    for suffix, unit in _UNITS.items():
        stem = name.removesuffix(f"_{suffix}")
        if stem not in (name, ""):
            return f"{stem.replace('_', ' ')} ({unit})"
    return name.replace("_", " ")


def number_text(value: float | None, digits: int = 4) -> str:
    """Return a number for people, or a dash where there is none.

    Example:
        >>> number_text(0.33910001), number_text(5.0), number_text(1234567.0), number_text(None)
        ('0.3391', '5.000', '1,234,567', '–')
    """
    if value is None:
        return "–"
    if value != 0.0 and not 1e-3 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}".removesuffix(".") if value else "0"


def arguments_text(arguments: Mapping[str, float | int | str | bool]) -> str:
    """Return an action's arguments for people, each with its unit.

    Example:
        >>> arguments_text({"volume_ul": 2000.0, "rate_ul_per_min": 1000, "is_slow": True})
        'volume 2000 µl, rate 1000 µl/min, is slow True'
    """
    parts = []
    for name, value in arguments.items():
        stem, _, unit = label_from_name(name).partition(" (")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        shown = f"{value:.6g}" if is_number else str(value)
        parts.append(f"{stem} {shown} {unit.removesuffix(')')}".rstrip())
    return ", ".join(parts)
