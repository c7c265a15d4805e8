"""Who goes first where several campaigns want one instrument."""

from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator

from campaigns.fields import Count, Mistake, Positive

__all__ = ["LEAST_SHARE", "MOST_PRIORITY", "MOST_SHARE", "PriorityField", "ShareField"]

MOST_PRIORITY: Final = 10
"""Priorities go from minus this to this."""
LEAST_SHARE: Final = Decimal("0.01")
MOST_SHARE: Final = Decimal(100)


def _priority(value: int) -> int:
    if abs(value) > MOST_PRIORITY:
        raise Mistake(value, f"a whole number from -{MOST_PRIORITY} to {MOST_PRIORITY}")
    return value


def _share(value: Decimal) -> Decimal:
    if not LEAST_SHARE <= value <= MOST_SHARE:
        raise Mistake(value, f"a number from {LEAST_SHARE} to {MOST_SHARE}")
    return value


PriorityField: TypeAlias = Annotated[Count, AfterValidator(_priority)]
"""A whole number from -10 to 10; the higher goes first."""
ShareField: TypeAlias = Annotated[Positive, AfterValidator(_share)]
"""A number from 0.01 to 100: the part of the instrument-hours among equal priorities."""
