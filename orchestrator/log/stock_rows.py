"""The shelf as tables: what each lot has left, and what is reserved and drawn for whom."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from orchestrator.core.events import (
    Event,
    ExperimentFailed,
    ExperimentFinished,
    ExperimentStarted,
    JobFailed,
    JobOutcomeUnknown,
    JobSkipped,
    JobStarted,
    StockEvent,
    StockReceived,
)
from orchestrator.core.experiment import experiment_id_of
from orchestrator.core.stock import Lot, LotAmounts, Lots
from orchestrator.core.stock_holding import (
    Drawn,
    Holding,
    LotTable,
    after_draw,
    after_end,
    after_return,
    after_skip,
    after_start,
)
from orchestrator.log.cells import json_cell
from orchestrator.log.chain import text_from_time
from orchestrator.log.event_log import EventLog, Record
from orchestrator.log.tables import Cell, Row, RowChange, Rows

__all__ = ["holding_changes", "lot_change", "shelf_in", "shelf_of_rows"]

_NOTHING: Final = "{}"


def lot_change(event: StockEvent, record: Record, rows: Rows) -> RowChange:
    """Return the row of a lot after an event about it; one that nobody knew begins empty.

    Args:
        event: What happened to it.
        record: The event's.
        rows: The tables before.
    """
    time = text_from_time(record.time)
    row = rows.row("stock_lot", (event.shelf, event.stock, event.lot))
    if row is None:
        unit = getattr(event, "unit", "ml")
        row = {"shelf": event.shelf, "received_time": time}
        lot = Lot(event.stock, event.lot, unit)
    else:
        lot = _lot_of(row)
    if isinstance(event, StockReceived):
        row["received_time"] = time
    return _changed(row, lot.after(event), time)


def holding_changes(
    campaign: Row, event: Event, record: Record, rows: Rows
) -> tuple[RowChange, ...]:
    """Return what an event changes that starts or ends an experiment or a job.

    Args:
        campaign: The campaign's row.
        event: One that can follow those before it.
        record: The event's.
        rows: The tables before.
    """
    if isinstance(event, ExperimentStarted):
        if not event.reserves:
            return ()
        lots = _lots(rows, str(campaign["shelf"]))
        holding, after = after_start(lots, event.reserves)
        return _written(campaign, event.experiment_id, holding, _moved(lots, after), record, rows)
    experiment_id = _whose(event)
    row = rows.row("stock_holding", (campaign["campaign_id"], experiment_id))
    if row is None and isinstance(event, JobStarted) and event.draws:
        row = {"reserved": _NOTHING, "drawn": _NOTHING, "returned": _NOTHING}
    if row is None:
        return ()
    held = _holding_of(row)
    lots = _lots(rows, str(campaign["shelf"]))
    match event:
        case JobStarted(draws=draws) if draws:
            holding, after = after_draw(held, lots, event.job_id, draws)
        case JobSkipped(spares=spares) if spares:
            holding, after = after_skip(held, lots, spares)
        case JobFailed(has_acted=False):
            holding, after = after_return(held, lots, event.job_id)
        case JobOutcomeUnknown() if event.job_id in held.returned:
            taken = _amounts(held.returned[event.job_id])
            holding, after = after_draw(held, lots, event.job_id, taken)
        case ExperimentFinished() | ExperimentFailed():
            holding, after = after_end(held, lots)
        case _:
            return ()
    return _written(campaign, experiment_id, holding, _moved(lots, after), record, rows)


def shelf_in(log: EventLog, shelf: str, campaign_id: str = "") -> Lots:
    """Return what stands on a shelf now.

    Args:
        log: With its events.
        shelf: Which.
        campaign_id: Whose reservations are told one by one; empty: nobody's.

    Raises:
        LogError: The log cannot be read.
    """
    found = shelf_of_rows(log.projection("stock_lot", where={"shelf": shelf}), shelf)
    if not campaign_id:
        return found
    rows = log.projection("stock_holding", where={"campaign_id": campaign_id, "is_open": 1})
    own: dict[str, LotAmounts] = {}
    for row in rows:
        reserved = row["reserved"]
        own[str(row["experiment_id"])] = reserved if isinstance(reserved, dict) else {}
    return replace(found, own=own)


def shelf_of_rows(rows: Iterable[Mapping[str, object]], shelf: str) -> Lots:
    """Return what stands on a shelf by the rows of the table ``stock_lot``.

    Args:
        rows: Of any shelves.
        shelf: Which.
    """
    return Lots(tuple(_lot_of(row) for row in rows if row["shelf"] == shelf))


def _whose(event: Event) -> str:
    job_id = getattr(event, "job_id", None)
    return experiment_id_of(job_id) if job_id else str(getattr(event, "experiment_id", ""))


def _lots(rows: Rows, shelf: str) -> dict[tuple[str, str], Lot]:
    found = (_lot_of(row) for row in rows.matching("stock_lot", {"shelf": shelf}))
    return {(lot.stock, lot.lot): lot for lot in found}


def _lot_of(row: Mapping[str, object]) -> Lot:
    """Return a lot from its row, as the store holds it or as callers see it."""
    whole = {name: int(str(row[name])) for name in ("amount", "consumed", "reserved", "n_counts")}
    purity, expires = row["purity"], row["expires"]
    return Lot(
        stock=str(row["stock"]),
        lot=str(row["lot"]),
        unit=str(row["unit"]),
        purity=None if purity is None else float(str(purity)),
        expires=None if expires is None else date.fromisoformat(str(expires)),
        is_discarded=bool(row["is_discarded"]),
        **whole,
    )


def _changed(row: Mapping[str, Cell], lot: Lot, time: str) -> RowChange:
    changed: Row = {
        "shelf": row["shelf"],
        "stock": lot.stock,
        "lot": lot.lot,
        "unit": lot.unit,
        "amount": lot.amount,
        "consumed": lot.consumed,
        "reserved": lot.reserved,
        "n_counts": lot.n_counts,
        "purity": lot.purity,
        "expires": None if lot.expires is None else lot.expires.isoformat(),
        "is_discarded": int(lot.is_discarded),
        "received_time": row["received_time"],
        "changed_time": time,
    }
    return RowChange("stock_lot", changed)


def _written(
    campaign: Row,
    experiment_id: str,
    holding: Holding,
    moved: Mapping[tuple[str, str], Lot],
    record: Record,
    rows: Rows,
) -> tuple[RowChange, ...]:
    """Return the row of an experiment and those of the lots that it changed."""
    shelf, time = campaign["shelf"], text_from_time(record.time)
    is_over = isinstance(record.event, ExperimentFinished | ExperimentFailed)
    held: Row = {
        "campaign_id": campaign["campaign_id"],
        "experiment_id": experiment_id,
        "shelf": shelf,
        "is_open": int(not is_over),
        "reserved": json_cell(holding.reserved),
        "drawn": json_cell(holding.drawn),
        "returned": json_cell(holding.returned),
    }
    changes = [RowChange("stock_holding", held)]
    for key, lot in moved.items():
        row = rows.row("stock_lot", (shelf, *key))
        if row is not None:
            changes.append(_changed(row, lot, time))
    return tuple(changes)


def _moved(before: LotTable, after: LotTable) -> dict[tuple[str, str], Lot]:
    return {key: lot for key, lot in after.items() if lot != before[key]}


def _holding_of(row: Mapping[str, Cell]) -> Holding:
    told = {name: json.loads(str(row[name])) for name in ("reserved", "drawn", "returned")}
    taken = {
        name: {job_id: tuple(Drawn(*one) for one in of) for job_id, of in told[name].items()}
        for name in ("drawn", "returned")
    }
    return Holding(told["reserved"], taken["drawn"], taken["returned"])


def _amounts(taken: tuple[Drawn, ...]) -> LotAmounts:
    amounts: dict[str, dict[str, int]] = {}
    for one in taken:
        of = amounts.setdefault(one.stock, {})
        of[one.lot] = of.get(one.lot, 0) + one.amount
    return amounts
