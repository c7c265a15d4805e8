"""Amounts of stock: which arguments of actions are some, and what bottles of a dry-run hold."""

from typing import Final

from campaigns.units import unit_suffix
from orchestrator.core.stock import PER_UNIT, Lots
from orchestrator.execution.rig_spec import RigSpec

__all__ = ["per_unit", "with_shelf"]

_OVERFILL: Final = 1.02
"""What a full bottle holds, as a multiple of what its label says."""
_LEAST: Final = 0.001
"""What an empty one still holds, in millilitres or grams."""

_PER: Final = {
    "ml": {"ul": 0.001, "ml": 1.0, "l": 1000.0},
    "g": {"ug": 1e-6, "mg": 0.001, "g": 1.0, "kg": 1000.0},
}
"""Millilitres or grams in one unit of volume or mass, by the unit's suffix."""


def per_unit(argument: str, unit: str) -> float | None:
    """Return by what an argument is multiplied to be an amount of a stock.

    Args:
        argument: Its name, with its unit as the suffix.
        unit: The stock's, ``ml`` or ``g``.

    Returns:
        None if the argument is no such amount.

    Example:
        >>> per_unit("volume_ul", "ml"), per_unit("rate_ul_per_s", "ml")
        (0.001, None)
    """
    return _PER[unit].get(unit_suffix(argument) or "")


def with_shelf(rig: RigSpec, shelf: Lots) -> RigSpec:
    """Return a rig whose bottles hold what stands on a shelf, and a little more.

    A bottle holds more than its label says, so that the last dose of it can be drawn. What the
    shelf does not know holds what the rig file says.

    Args:
        rig: As its file says it.
        shelf: As the log tells it.
    """
    filled = {}
    for name, stock in rig.stock.items():
        lots = shelf.stocks.get(name)
        amount = stock.amount if lots is None else sum(lot.on_shelf for lot in lots) / PER_UNIT
        held = _OVERFILL * amount + _LEAST
        changes = {"lots": (), "volume_ml": None, "mass_g": None}
        key = "mass_g" if stock.unit == "g" else "volume_ml"
        filled[name] = stock.model_copy(update={**changes, key: held})
    return rig.model_copy(update={"stock": filled})
