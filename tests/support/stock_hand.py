"""A person who minds the shelf of a simulated laboratory, and what must hold of it at every record.

The bottles of the bench hold far more than the log is told, so that only the log can run short.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from drivers.clock import Clock
from orchestrator.core.events import (
    LAB_STREAM,
    Event,
    ExperimentStarted,
    JobFailed,
    JobOutcomeUnknown,
    JobStarted,
    StockCounted,
    StockDiscarded,
    StockReceived,
)
from orchestrator.core.stock import PER_UNIT, needs_of
from orchestrator.log.event_log import EventLog, Record
from orchestrator.log.memory_log import MemoryLog, MemoryRows
from orchestrator.log.stock_rows import shelf_in, shelf_of_rows
from orchestrator.log.tables import TABLES

__all__ = ["ShelfHand", "stock_violations"]

STOCK: Final = "x1"
_Part = tuple[str, str, int, int]
CHANGES: Final = (StockReceived, StockCounted, StockDiscarded)


class ShelfHand:
    """Puts little onto the shelf at first, then more, counts it, throws some away.

    Args:
        log: Of the laboratory.
        dice: Decides what and when.
        clock: Of the laboratory.
        shelf: Whose.
        counts: What was done, by name.
    """

    def __init__(
        self, log: EventLog, dice: random.Random, clock: Clock, shelf: str, counts: Counter[str]
    ) -> None:
        self._log = log
        self._dice = dice
        self._clock = clock
        self._shelf = shelf
        self._counts = counts
        self._n_lots = 0

    def stock_up(self) -> None:
        """Say how little there is before any engine says what the rig file says."""
        self._say(self._bottle(self._dice.uniform(0.5, 4.0)))

    async def mind(self) -> None:
        """Do something to the shelf now and then."""
        for _ in range(self._dice.randint(2, 8)):
            await asyncio.sleep(self._dice.uniform(60.0, 2500.0))
            lots = shelf_in(self._log, self._shelf).stocks[STOCK]
            lot = self._dice.choice(lots)
            fate = self._dice.random()
            if fate < 0.6:
                self._say(self._bottle(self._dice.uniform(0.5, 4.0)))
            elif fate < 0.85:
                left_ml = lot.on_shelf / PER_UNIT * self._dice.choice((0.0, 0.5, 0.98, 1.0, 1.1))
                self._say(
                    StockCounted(
                        shelf=self._shelf, stock=STOCK, lot=lot.lot, amount=left_ml, unit="ml"
                    )
                )
            else:
                self._say(
                    StockDiscarded(shelf=self._shelf, stock=STOCK, lot=lot.lot, reason="cloudy")
                )
        self._say(self._bottle(50.0).model_copy(update={"expires": None}))

    def _bottle(self, amount_ml: float) -> StockReceived:
        self._n_lots += 1
        days = self._dice.choice((0, 1, 30, None))
        now = self._clock.now()
        return StockReceived(
            shelf=self._shelf,
            stock=STOCK,
            lot=f"L{self._n_lots}",
            amount=amount_ml,
            unit="ml",
            expires=None if days is None else (now + timedelta(days=days)).date(),
        )

    def _say(self, event: Event) -> None:
        self._counts[event.kind] += 1
        self._log.append(
            LAB_STREAM, [event], time=self._clock.now(), actor="ada", is_simulated=True
        )


def stock_violations(log: MemoryLog) -> list[str]:
    """Return what is wrong with the accounts of the stock after any record; nothing if all is well.

    Args:
        log: At the end.
    """
    rows = MemoryRows()
    found: list[str] = []
    account = _Account()
    for record in log.read():
        before = {**_amounts(rows)}
        found += account.unpaid(record, rows)
        rows.apply(record)
        found += _wrong_sums(record, rows, before)
        account.note(record)
    consumed = sum(int(str(row["consumed"])) for row in rows.matching("stock_lot", {}))
    if consumed != account.consumed:
        found.append(f"stock: {consumed} are consumed, jobs drew {account.consumed}")
    for row in rows.matching("stock_holding", {"is_open": 0}):
        if row["reserved"] != "{}":
            found.append(f"stock: {row['experiment_id']} has ended and holds {row['reserved']}")
    for table in TABLES:
        if [TABLES[table].shown(row) for row in rows.matching(table, {})] != log.projection(table):
            found.append(f"table {table} is another when it is filled anew")
    return found


def _amounts(rows: MemoryRows) -> dict[tuple[object, ...], object]:
    lots = rows.matching("stock_lot", {})
    return {TABLES["stock_lot"].key_of(row): row["amount"] for row in lots}


def _wrong_sums(
    record: Record, rows: MemoryRows, before: dict[tuple[object, ...], object]
) -> Iterator[str]:
    lots = rows.matching("stock_lot", {})
    for shelf in {str(row["shelf"]) for row in lots}:
        for lot in shelf_of_rows(lots, shelf).lots:
            where = f"stock: record {record.seq}, {lot.stock} {lot.lot}"
            is_known = (shelf, lot.stock, lot.lot) in before
            if min(lot.reserved, lot.consumed, lot.available) < 0:
                yield f"{where}: below 0: {lot}"
            missing = max(0, lot.reserved - lot.on_shelf)
            on_hand = lot.reserved - missing + lot.available
            if not lot.is_discarded and on_hand + lot.consumed != lot.amount:
                yield f"{where}: the sum is not what came: {lot}"
            is_said = isinstance(record.event, CHANGES)
            if is_known and not is_said and before[shelf, lot.stock, lot.lot] != lot.amount:
                yield f"{where}: nobody said that there is more or less: {lot}"
            if not lot.is_discarded and lot.consumed > lot.amount:
                yield f"{where}: more is gone than came: {lot}"


class _Account:
    """What the events alone say was drawn and not given back, without the tables' arithmetic."""

    def __init__(self) -> None:
        self.consumed = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._drawn: dict[tuple[str, str], list[_Part]] = {}
        self._returned: dict[tuple[str, str], list[_Part]] = {}
        self._planned: dict[tuple[str, str], dict[str, int]] = {}

    def unpaid(self, record: Record, rows: MemoryRows) -> Iterator[str]:
        """Yield what is taken that nobody needs, is not there, or may not be used.

        Args:
            record: The next one.
            rows: The tables before it.
        """
        event, today = record.event, record.time.date()
        lots = {
            (lot.stock, lot.lot): lot
            for row in rows.matching("stock_lot", {})
            for lot in shelf_of_rows([row], str(row["shelf"])).lots
        }
        if isinstance(event, ExperimentStarted):
            self._planned.update({(record.stream, job.job_id): job.draws for job in event.jobs})
            taken, needs = event.reserves, needs_of(event.jobs)
        elif isinstance(event, JobStarted):
            taken, needs = event.draws, self._planned[record.stream, event.job_id]
        else:
            return
        for stock in needs.keys() | taken.keys():
            if sum(taken.get(stock, {}).values()) != needs.get(stock, 0):
                yield f"stock: record {record.seq}: {taken} taken, {needs} needed"
            for name, amount in taken.get(stock, {}).items():
                lot = lots[stock, name]
                is_start = isinstance(event, ExperimentStarted)
                most = lot.available if is_start else lot.on_shelf
                if amount > most or not lot.is_usable(today):
                    yield f"stock: record {record.seq}: {amount} taken of {lot}"

    def note(self, record: Record) -> None:
        """Take one more record into account."""
        event = record.event
        key = (record.stream, str(getattr(event, "job_id", "")))
        match event:
            case StockCounted():
                self._counts[event.stock, event.lot] += 1
            case JobStarted() if event.draws:
                taken = [(s, lot, n) for s, of in event.draws.items() for lot, n in of.items()]
                self._draw(key, taken)
                self._returned.pop(key, None)
            case JobFailed(has_acted=False):
                parts = self._drawn.pop(key, [])
                for stock, lot, amount, n_counts in parts:
                    self.consumed -= amount if self._counts[stock, lot] == n_counts else 0
                self._returned[key] = parts
            case JobOutcomeUnknown() if self._returned.get(key):
                self._draw(key, [part[:3] for part in self._returned.pop(key)])
            case _:
                return

    def _draw(self, key: tuple[str, str], taken: list[tuple[str, str, int]]) -> None:
        for stock, lot, amount in taken:
            self.consumed += amount
            part = (stock, lot, amount, self._counts[stock, lot])
            self._drawn.setdefault(key, []).append(part)
