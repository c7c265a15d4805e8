"""The projection tables: their columns, their keys, and rows as callers see them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from orchestrator.log.chain import time_from_text

__all__ = ["TABLES", "Cell", "Row", "RowChange", "Rows", "Table", "table_for"]

Cell: TypeAlias = str | int | float | None
"""One value of a table, as the store holds it; structures are canonical JSON."""

Row: TypeAlias = dict[str, Cell]
"""One row by column."""


@dataclass(frozen=True, slots=True)
class Table:
    """A projection table."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    """Columns that name one row."""
    json_columns: frozenset[str] = frozenset()
    """Columns that hold canonical JSON."""

    def shown(self, row: Row) -> dict[str, object]:
        """Return a row as callers see it: structures, times with their zone, truth values."""
        shown: dict[str, object] = dict(row)
        for column, cell in row.items():
            if not isinstance(cell, str):
                is_truth = column.startswith("is_") and cell is not None
                shown[column] = bool(cell) if is_truth else cell
            elif column in self.json_columns:
                shown[column] = json.loads(cell)
            elif column.endswith("_time"):
                shown[column] = time_from_text(cell)
        return shown

    def key_of(self, row: Mapping[str, Cell]) -> tuple[Cell, ...]:
        """Return the values that name a row."""
        return tuple(row[column] for column in self.key)


TABLES: Final[Mapping[str, Table]] = {
    "campaign": Table(
        columns=(
            "campaign_id",
            "name",
            "state",
            "reason",
            "seed",
            "is_simulated",
            "opened_time",
            "last_time",
            "last_seq",
            "n_candidates",
            "n_experiments_started",
            "n_observed",
            "n_failed",
            "n_in_doubt",
            "cost_usd",
            "engine_epoch",
            "shelf",
        ),
        key=("campaign_id",),
    ),
    "experiment": Table(
        columns=(
            "campaign_id",
            "experiment_id",
            "number",
            "purpose",
            "state",
            "started_time",
            "ended_time",
            "cost_usd",
            "n_jobs",
            "point",
            "predictions",
            "made",
            "values",
            "sds",
            "computed",
            "cause",
            "reason",
            "is_retracted",
            "correction",
            "corrected_by",
        ),
        key=("campaign_id", "experiment_id"),
        json_columns=frozenset({"point", "predictions", "made", "values", "sds", "computed"}),
    ),
    "job": Table(
        columns=(
            "campaign_id",
            "job_id",
            "experiment_id",
            "instrument",
            "action",
            "state",
            "attempt",
            "started_time",
            "ended_time",
            "error",
            "evidence",
            "answer",
        ),
        key=("campaign_id", "job_id"),
    ),
    "candidate": Table(
        columns=(
            "campaign_id",
            "candidate_id",
            "proposal",
            "state",
            "point",
            "proposed",
            "predictions",
            "is_out_of_distribution",
            "judged_by",
            "judged_time",
            "reason",
            "experiment_id",
        ),
        key=("campaign_id", "candidate_id"),
        json_columns=frozenset({"point", "proposed", "predictions"}),
    ),
    "stock_lot": Table(
        columns=(
            "shelf",
            "stock",
            "lot",
            "unit",
            "amount",
            "consumed",
            "reserved",
            "n_counts",
            "purity",
            "expires",
            "is_discarded",
            "received_time",
            "changed_time",
        ),
        key=("shelf", "stock", "lot"),
    ),
    "stock_holding": Table(
        columns=(
            "campaign_id",
            "experiment_id",
            "shelf",
            "is_open",
            "reserved",
            "drawn",
            "returned",
        ),
        key=("campaign_id", "experiment_id"),
        json_columns=frozenset({"reserved", "drawn", "returned"}),
    ),
}
"""All projection tables by name; the rows of each stand in the order in which they first came.

``campaign.cost_usd`` is what the experiments cost; hours are not in it. ``campaign.n_in_doubt`` is
how many experiments are in doubt at the moment, ``campaign.n_observed`` how many observations
count. ``experiment.values`` are as amended. A candidate is ``queued``, ``approved``, ``edited``,
``rejected`` or ``started``; ``candidate.proposed`` is its point as the planner gave it.
``stock_lot`` says in millionths of a millilitre or of a gram how much of a lot came (as corrected
by counts), was consumed, and is reserved; ``stock_holding`` says for whom (`core.stock_holding`).
"""


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row to put in, in place of the row with the same key if there is one."""

    table: str
    row: Row


class Rows(Protocol):
    """The tables as they are before a record."""

    def row(self, table: str, key: tuple[Cell, ...]) -> Row | None:
        """Return a copy of one row, or None."""
        ...

    def matching(self, table: str, where: Mapping[str, object]) -> Sequence[Row]:
        """Return copies of the rows whose columns have these values, in order."""
        ...


def table_for(name: str, where: Mapping[str, object]) -> Table:
    """Return the table that a query is about.

    Args:
        name: The table.
        where: Values by column.

    Raises:
        ValueError: There is no such table or no such column.
    """
    table = TABLES.get(name)
    if table is None:
        raise ValueError(f"got the table {name!r}, expected one of {', '.join(TABLES)}")
    unknown = sorted(set(where) - set(table.columns))
    if unknown:
        raise ValueError(f"table {name} has no column {', '.join(unknown)}")
    return table
