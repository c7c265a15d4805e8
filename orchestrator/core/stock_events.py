"""Facts about what stands on the shelf: lots that came, were counted, were thrown away.

They go to the stream ``lab``. What experiments reserve and jobs draw stands in their own events.
"""

from datetime import date
from typing import Literal, TypeAlias

from pydantic import Field

from orchestrator.core.point import Fact

__all__ = ["StockCounted", "StockDiscarded", "StockEvent", "StockReceived"]


class _OfLot(Fact):
    """What says of which lot an event speaks."""

    shelf: str = Field(min_length=1)
    """Where it stands: `orchestrator.core.stock.shelf_of`."""
    stock: str = Field(min_length=1)
    """Its name in the rig file."""
    lot: str = Field(min_length=1)


class StockReceived(_OfLot):
    """A lot came to the shelf, or more of one that is there."""

    kind: Literal["StockReceived"] = "StockReceived"
    amount: float = Field(gt=0)
    """How much came, in the unit."""
    unit: Literal["ml", "g"]
    purity: float | None = Field(default=None, gt=0, le=1)
    """Share of the substance itself, 0 to 1; None if nobody said."""
    expires: date | None = None
    """The last day on which it may be used, in UTC; None: it keeps."""
    reason: str = ""


class StockCounted(_OfLot):
    """A person weighed a lot, or looked: so much is left, whatever was reckoned.

    What was under way then counts as gone: a job that is found not to have drawn gives back nothing
    that a later count has seen.
    """

    kind: Literal["StockCounted"] = "StockCounted"
    amount: float = Field(ge=0)
    """How much is left, reservations included, in the unit."""
    unit: Literal["ml", "g"]
    reason: str = ""


class StockDiscarded(_OfLot):
    """A person took a lot off the shelf; nothing is drawn from it any more."""

    kind: Literal["StockDiscarded"] = "StockDiscarded"
    reason: str = Field(min_length=1)


StockEvent: TypeAlias = StockReceived | StockCounted | StockDiscarded
"""What can happen to a lot on its shelf."""
