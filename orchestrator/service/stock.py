"""The shelf as a person sees it, and what a person says of it: received, counted, discarded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from orchestrator.core.events import StockCounted, StockDiscarded, StockReceived
from orchestrator.core.stock import PER_UNIT, Lot
from orchestrator.core.stock_forecast import StockForecast, forecasts
from orchestrator.errors import RequestRefused
from orchestrator.log.stock_rows import shelf_of_rows
from orchestrator.service.lab import Lab

__all__ = [
    "Delivery",
    "LotView",
    "ShelfView",
    "StockView",
    "Unit",
    "count_stock",
    "discard_stock",
    "receive_stock",
    "shelves",
    "stock_named",
]

Unit = Literal["ml", "g"]
_DRY_RUN = "dry-run/"


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LotView(_View):
    """One lot; amounts are in the stock's unit."""

    lot: str
    on_shelf: float
    reserved: float
    available: float
    consumed: float
    purity: float | None
    """Share of the substance itself, 0 to 1."""
    expires: date | None
    """The last day on which it is used, in UTC."""
    is_usable: bool
    is_discarded: bool


class StockView(_View):
    """One stock; amounts are in its unit."""

    stock: str
    unit: str
    """``ml`` or ``g``."""
    on_shelf: float
    """What can be used today, reserved amounts included."""
    reserved: float
    available: float
    consumed: float
    per_hour: float
    """What running campaigns take in an hour."""
    hours_left: float | None
    """Until nothing is available; None if it lasts for all that is known to be asked of it."""
    out_time: datetime | None
    lots: tuple[LotView, ...]


class ShelfView(_View):
    """Everything that stands on one shelf."""

    shelf: str
    """The rig's name; of a dry-run its own."""
    campaigns: tuple[str, ...]
    """Unfinished ones that take from it."""
    waiting: tuple[str, ...]
    """Those that are held for want of stock."""
    stocks: tuple[StockView, ...]

    @property
    def is_dry_run(self) -> bool:
        """Whether it is a dry-run's own, which stands there only while the dry-run is open."""
        return self.shelf.startswith(_DRY_RUN)


def shelves(lab: Lab) -> tuple[ShelfView, ...]:
    """Return every shelf that counts: no longer those of dry-runs that have ended.

    Args:
        lab: Whose.
    """
    states, now = lab.unfinished(), lab.bench_now()
    rows = lab.rows("stock_lot", {})
    names = sorted({str(row["shelf"]) for row in rows})
    used = {state.shelf for state in states}
    return tuple(
        ShelfView(
            shelf=name,
            campaigns=tuple(one.campaign_id for one in states if one.shelf == name),
            waiting=tuple(one.campaign_id for one in states if one.shelf == name and one.lacks),
            stocks=tuple(
                _stock_view(one, now)
                for one in forecasts(
                    shelf_of_rows(rows, name), [one for one in states if one.shelf == name], now
                )
            ),
        )
        for name in names
        if name in used or not name.startswith(_DRY_RUN)
    )


def stock_named(lab: Lab, stock: str, shelf: str = "") -> tuple[str, StockView]:
    """Return a stock and the name of its shelf.

    Args:
        lab: Whose.
        stock: Its name in the rig file.
        shelf: Which one; empty: the only one that has such a stock.

    Raises:
        RequestRefused: There is none, or several shelves have it.
    """
    known = {one.shelf: {view.stock: view for view in one.stocks} for one in shelves(lab)}
    if shelf and shelf not in known:
        raise RequestRefused(f"shelf: got {shelf!r}, expected one of {_names(known)}")
    chosen = [name for name in known if stock in known[name] and shelf in ("", name)]
    if not chosen:
        names = _names({name for views in known.values() for name in views})
        raise RequestRefused(f"stock: got {stock!r}, expected one of {names}")
    if len(chosen) > 1:
        raise RequestRefused(f"shelf: got nothing, expected one of {_names(chosen)}")
    return chosen[0], known[chosen[0]][stock]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A bottle that comes to the shelf, or what comes into one that is there."""

    lot: str
    amount: float
    """Above 0, in the unit."""
    unit: Unit
    purity: float | None = None
    """Share of the substance itself, above 0 to 1; None if nobody said."""
    expires: date | None = None
    """The last day on which it may be used, in UTC; None: it keeps."""

    def refuse_wrong(self, today: date) -> None:
        """Refuse a delivery that cannot be.

        Args:
            today: In UTC.

        Raises:
            RequestRefused: With the key, what it is and what was expected.
        """
        if not self.lot.strip():
            raise RequestRefused("lot: got nothing, expected its name")
        if not self.amount > 0:
            raise RequestRefused(f"amount: got {self.amount:g}, expected above 0 {self.unit}")
        if self.purity is not None and not 0 < self.purity <= 1:
            raise RequestRefused(f"purity: got {self.purity:g}, expected above 0 and at most 1")
        if self.expires is not None and self.expires < today:
            expected = f"{today} or later: it has expired"
            raise RequestRefused(f"expires: got {self.expires}, expected {expected}")


def receive_stock(
    lab: Lab, stock: str, delivery: Delivery, *, shelf: str = "", reason: str = ""
) -> StockView:
    """Write down that a lot came to the shelf, or more of one that is there.

    Args:
        lab: Whose person it is.
        stock: Its name in the rig file.
        delivery: What came.
        shelf: Which one; empty: the only one that has such a stock.
        reason: Why, or from where.

    Returns:
        The stock after it.

    Raises:
        RequestRefused: Nobody ever heard of the stock, it has another unit, or has expired.
        LogError: The log cannot be written.
    """
    where, _ = _checked(lab, stock, shelf, delivery.unit)
    delivery.refuse_wrong(lab.bench_now().date())
    received = StockReceived(
        shelf=where,
        stock=stock,
        lot=delivery.lot,
        amount=delivery.amount,
        unit=delivery.unit,
        purity=delivery.purity,
        expires=delivery.expires,
        reason=reason,
    )
    lab.decide_in_lab(lambda _: (received,))
    return stock_named(lab, stock, where)[1]


def count_stock(
    lab: Lab, stock: str, *, lot: str, amount: float, unit: Unit, shelf: str = "", reason: str = ""
) -> StockView:
    """Write down how much of a lot is left, whatever was reckoned.

    Args:
        lab: Whose person it is.
        stock: Its name in the rig file.
        lot: The bottle's.
        amount: How much is left, at least 0, in the unit; what is reserved is part of it.
        unit: The stock's.
        shelf: Which one; empty: the only one that has such a stock.
        reason: How it was found.

    Returns:
        The stock after it.

    Raises:
        RequestRefused: There is no such lot, or the stock has another unit.
        LogError: The log cannot be written.
    """
    where, view = _checked(lab, stock, shelf, unit)
    _refuse_unknown_lot(view, lot)
    if not amount >= 0:
        raise RequestRefused(f"amount: got {amount:g}, expected 0 {unit} or more")
    counted = StockCounted(
        shelf=where, stock=stock, lot=lot, amount=amount, unit=unit, reason=reason
    )
    lab.decide_in_lab(lambda _: (counted,))
    return stock_named(lab, stock, where)[1]


def discard_stock(lab: Lab, stock: str, *, lot: str, reason: str, shelf: str = "") -> StockView:
    """Write down that a lot was taken off the shelf; nothing is drawn from it any more.

    Args:
        lab: Whose person it is.
        stock: Its name in the rig file.
        lot: The bottle's.
        reason: Why.
        shelf: Which one; empty: the only one that has such a stock.

    Returns:
        The stock after it.

    Raises:
        RequestRefused: There is no such lot, it was discarded before, or no reason is given.
        LogError: The log cannot be written.
    """
    where, view = stock_named(lab, stock, shelf)
    _refuse_unknown_lot(view, lot)
    (known,) = [one for one in view.lots if one.lot == lot]
    if known.is_discarded:
        raise RequestRefused(f"lot: got {lot!r}, which was discarded before")
    if not reason.strip():
        raise RequestRefused("reason: got nothing, expected why, in your words")
    discarded = StockDiscarded(shelf=where, stock=stock, lot=lot, reason=reason)
    lab.decide_in_lab(lambda _: (discarded,))
    return stock_named(lab, stock, where)[1]


def _checked(lab: Lab, stock: str, shelf: str, unit: str) -> tuple[str, StockView]:
    where, view = stock_named(lab, stock, shelf)
    if view.unit != unit:
        kind = "a liquid, in ml" if view.unit == "ml" else "a powder, in g"
        raise RequestRefused(f"unit: got {unit}, expected {view.unit}: {stock} is {kind}")
    return where, view


def _refuse_unknown_lot(view: StockView, lot: str) -> None:
    known = [one.lot for one in view.lots]
    if lot not in known:
        raise RequestRefused(f"lot: got {lot!r}, expected one of {_names(known)}")


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _stock_view(found: StockForecast, now: datetime) -> StockView:
    hours = found.hours_left
    return StockView(
        stock=found.stock,
        unit=found.unit,
        on_shelf=found.on_shelf / PER_UNIT,
        reserved=found.reserved / PER_UNIT,
        available=found.available / PER_UNIT,
        consumed=found.consumed / PER_UNIT,
        per_hour=found.per_hour / PER_UNIT,
        hours_left=hours,
        out_time=None if hours is None else now + timedelta(hours=min(hours, 1e6)),
        lots=tuple(_lot_view(lot, now.date()) for lot in found.lots),
    )


def _lot_view(lot: Lot, today: date) -> LotView:
    return LotView(
        lot=lot.lot,
        on_shelf=lot.on_shelf / PER_UNIT,
        reserved=lot.reserved / PER_UNIT,
        available=lot.available / PER_UNIT if lot.is_usable(today) else 0.0,
        consumed=lot.consumed / PER_UNIT,
        purity=lot.purity,
        expires=lot.expires,
        is_usable=lot.is_usable(today),
        is_discarded=lot.is_discarded,
    )
