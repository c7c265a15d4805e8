"""Rows of the feasible set, for acquisitions that look at more than the row that they judge."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

__all__ = ["Territory"]


@dataclass(frozen=True, slots=True, eq=False)
class Territory:
    """Where a campaign may go; asked only by acquisitions that need it."""

    pool: Callable[[], Tensor]
    """Returns the `n x (d + c)` rows that are weighed first."""
    draw: Callable[[int], Tensor]
    """Returns about that many rows, drawn evenly from the feasible set."""
