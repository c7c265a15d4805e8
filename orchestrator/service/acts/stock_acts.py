"""Acts on the shelf: a lot came, was counted, was thrown away."""

from abc import ABC
from datetime import date
from typing import Annotated

from pydantic import Field

from orchestrator.core.events import Event, StockEvent
from orchestrator.service.acts.act import ActDesk, Finite, LabAct, Told
from orchestrator.service.lab import Lab
from orchestrator.service.stock import (
    Delivery,
    StockView,
    Unit,
    count_stock,
    discard_stock,
    receive_stock,
    shelves,
    stock_named,
)

__all__ = ["CountStock", "DiscardStock", "ReceiveStock"]


class _OnLot(LabAct, ABC):
    stock: str = Field(min_length=1, max_length=200)
    """Its name in the rig file."""
    lot: str = Field(min_length=1, max_length=200)
    shelf: str = Field(default="", max_length=200)
    """Which one, where several have such a stock."""

    def concerns(self, event: Event) -> bool:
        """Whether somebody else said something of the same lot."""
        if not isinstance(event, StockEvent) or event.shelf != (self.shelf or event.shelf):
            return False
        return (event.stock, event.lot) == (self.stock, self.lot)

    def _now(self, lab: Lab) -> StockView:
        return stock_named(lab, self.stock, self.shelf)[1]

    def _waiting(self, lab: Lab) -> str:
        """Say which campaigns go on by themselves if there is enough then."""
        where, _ = stock_named(lab, self.stock, self.shelf)
        waiting = [name for one in shelves(lab) if one.shelf == where for name in one.waiting]
        return f"; {', '.join(waiting)} will go on by itself if that is enough" if waiting else ""


class ReceiveStock(_OnLot):
    """Put a bottle of a stock onto the shelf, or fill one up that is there."""

    name = "receive_stock"

    amount: Annotated[Finite, Field(gt=0)]
    """How much came, in the unit."""
    unit: Unit
    purity: Annotated[Finite, Field(gt=0, le=1)] | None = None
    """Share of the substance itself, above 0 to 1."""
    expires: date | None = None
    """The last day on which it may be used, in UTC."""

    def consequence(self, lab: Lab) -> str:
        """Say how much there is then."""
        now = self._now(lab)
        after = now.available + self.amount
        return (
            f"{self.amount:g} {self.unit} of {self.stock} come to lot {self.lot}: samples may take "
            f"up to {after:.6g} {now.unit}{self._waiting(lab)}"
        )

    def perform(self, desk: ActDesk) -> Told:
        """Append it; engines that wait for it look by themselves."""
        delivery = Delivery(self.lot, self.amount, self.unit, self.purity, self.expires)
        with desk.open_lab() as lab:
            after = receive_stock(lab, self.stock, delivery, shelf=self.shelf, reason=self.reason)
        return Told(message=_told(after))


class CountStock(_OnLot):
    """Say how much of a lot is left, because you weighed it or looked."""

    name = "count_stock"
    needs_reason = True

    amount: Annotated[Finite, Field(ge=0)]
    """How much is left, in the unit; what is reserved is part of it."""
    unit: Unit

    def consequence(self, lab: Lab) -> str:
        """Say what was reckoned."""
        reckoned = {one.lot: one.on_shelf for one in self._now(lab).lots}.get(self.lot, 0.0)
        return (
            f"lot {self.lot} of {self.stock} holds {self.amount:g} {self.unit} from now on; "
            f"{reckoned:.6g} {self.unit} were reckoned{self._waiting(lab)}"
        )

    def perform(self, desk: ActDesk) -> Told:
        """Append it; engines that wait for it look by themselves."""
        with desk.open_lab() as lab:
            after = count_stock(
                lab,
                self.stock,
                lot=self.lot,
                amount=self.amount,
                unit=self.unit,
                shelf=self.shelf,
                reason=self.reason,
            )
        return Told(message=_told(after))


class DiscardStock(_OnLot):
    """Take a lot off the shelf: nothing is drawn from it any more."""

    name = "discard_stock"
    is_dangerous = True

    def consequence(self, lab: Lab) -> str:
        """Say what is lost, and who counted on it."""
        found = {one.lot: one for one in self._now(lab).lots}.get(self.lot)
        on_shelf = 0.0 if found is None else found.on_shelf
        reserved = 0.0 if found is None else found.reserved
        return (
            f"nothing is drawn from lot {self.lot} of {self.stock} any more: {on_shelf:.6g} "
            f"{self._now(lab).unit} are written off, {reserved:.6g} of them kept for samples on "
            "the bench, which take it from other lots or wait"
        )

    def perform(self, desk: ActDesk) -> Told:
        """Append it."""
        with desk.open_lab() as lab:
            after = discard_stock(
                lab, self.stock, lot=self.lot, shelf=self.shelf, reason=self.reason
            )
        return Told(message=_told(after))


def _told(after: StockView) -> str:
    return (
        f"{after.stock}: {after.on_shelf:.6g} {after.unit} can be used, "
        f"{after.reserved:.6g} {after.unit} of all lots are reserved"
    )
