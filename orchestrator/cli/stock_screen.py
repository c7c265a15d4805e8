"""The shelf on a terminal: one row a lot, with how long each stock lasts."""

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from orchestrator.service.stock import LotView, ShelfView, StockView

__all__ = ["stock_table"]


def stock_table(shelf: "ShelfView") -> Table:
    """Return everything that stands on one shelf.

    Args:
        shelf: Which.
    """
    table = Table(
        title=Text(f"shelf {shelf.shelf}"), title_justify="left", box=None, pad_edge=False
    )
    table.header_style = "bold"
    for heading in ("stock", "lot"):
        table.add_column(heading, overflow="fold")
    for heading in ("left", "reserved", "available", "unit", "per hour", "runs out"):
        table.add_column(heading, justify="right")
    table.add_column("remark", overflow="fold")
    for one in shelf.stocks:
        for number, lot in enumerate(one.lots):
            is_first = number == 0
            table.add_row(
                Text(one.stock if is_first else ""),
                Text(lot.lot),
                f"{lot.on_shelf:,.3f}",
                f"{lot.reserved:,.3f}",
                f"{lot.available:,.3f}",
                one.unit,
                f"{one.per_hour:.3g}" if is_first else "",
                _end(one) if is_first else Text(""),
                _remark(lot),
            )
    return table


def _end(stock: "StockView") -> Text:
    if stock.hours_left is None:
        return Text("–")
    style = "red" if stock.hours_left < 1 else "yellow" if stock.hours_left < 24 else ""
    return Text(f"in {stock.hours_left:.3g} h", style=style)


def _remark(lot: "LotView") -> Text:
    if lot.is_discarded:
        return Text("discarded")
    told = [] if lot.purity is None else [f"purity {lot.purity:g}"]
    if lot.expires is not None:
        told.append(f"{'good until' if lot.is_usable else 'expired on'} {lot.expires}")
    return Text(", ".join(told), style="" if lot.is_usable else "red")
