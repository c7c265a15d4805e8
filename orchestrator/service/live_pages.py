"""Which experiments of a large campaign a page of its table shows, and in which order."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from orchestrator.errors import RequestRefused
from orchestrator.service.live_rows import LiveRow

__all__ = ["STATES", "Sought", "chosen_rows", "orders_of", "page_after"]

_FIXED: Final[dict[str, Callable[[LiveRow], float | str | None]]] = {
    "number": lambda row: row.number,
    "started_h": lambda row: row.started_time.timestamp(),
    "ended_h": lambda row: row.ended_time.timestamp() if row.ended_time else None,
    "cost_usd": lambda row: row.cost_usd,
    "state": lambda row: row.state,
}

STATES: Final = (
    "running",
    "in_doubt",
    "done",
    "failed",
    "front",
    "counting",
    "reference",
    "retracted",
)
"""What `Sought.state` may be."""


class Sought(NamedTuple):
    """What a page is asked to show."""

    order: str = "-number"
    """A fixed order or the name of a value; ``-`` turns it round."""
    state: str = ""
    """One of `STATES`; empty for all."""
    text: str = ""
    """Words that must all occur, case ignored."""


def orders_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return what the experiments of a campaign can be ordered by.

    Args:
        names: Of its components, parameters, objectives and outcomes.
    """
    return (*_FIXED, *dict.fromkeys(names))


def chosen_rows(
    rows: Sequence[LiveRow], sought: Sought, *, orders: Sequence[str], front: frozenset[str]
) -> list[LiveRow]:
    """Return the experiments that are sought, in the order that is wanted.

    Args:
        rows: All experiments.
        sought: What is asked for.
        orders: `orders_of` the campaign.
        front: Ids of the experiments on the Pareto front.

    Raises:
        RequestRefused: There is no such order or state.
    """
    if sought.order.removeprefix("-") not in orders:
        raise RequestRefused(f"order: got {sought.order!r}, expected one of {', '.join(orders)}")
    if sought.state and sought.state not in STATES:
        raise RequestRefused(f"state: got {sought.state!r}, expected one of {', '.join(STATES)}")
    words = sought.text.casefold().split()
    found = [row for row in rows if _is_in(row, sought.state, front)]
    if words:
        found = [row for row in found if _has(row, words)]
    return _ordered(found, sought.order)


def page_after(
    rows: Sequence[LiveRow], after: LiveRow | None, order: str, limit: int
) -> tuple[Sequence[LiveRow], LiveRow | None]:
    """Return the rows of one page, and the last of them if others follow.

    Args:
        rows: In the order that is wanted.
        after: The last row of the page before; it need not be among them any more.
        order: As in `Sought`.
        limit: Rows of a page, at least 1.
    """
    start = 0
    if after is not None:
        names = [row.experiment_id for row in rows]
        if after.experiment_id in names:
            start = names.index(after.experiment_id) + 1
        else:
            together = _ordered([*rows, after], order)
            start = next(i for i, row in enumerate(together) if row is after)
    page = rows[start : start + limit]
    return page, page[-1] if page and start + limit < len(rows) else None


def _is_in(row: LiveRow, state: str, front: frozenset[str]) -> bool:
    match state:
        case "":
            return True
        case "front":
            return row.experiment_id in front
        case "counting":
            return row.meets
        case "reference":
            return row.purpose == "reference"
        case "retracted":
            return row.is_retracted
        case _:
            return row.state == state


def _has(row: LiveRow, words: Sequence[str]) -> bool:
    texts = [value for value in row.asked.values() if isinstance(value, str)]
    told = [row.experiment_id, row.state, row.purpose, row.cause, row.reason, row.correction]
    said = " ".join([*told, *texts]).casefold()
    return all(word in said for word in words)


def _ordered(rows: Sequence[LiveRow], order: str) -> list[LiveRow]:
    """Return rows in an order; those without the value last, the newest first among equals."""
    name = order.removeprefix("-")
    value = _FIXED.get(name) or (lambda row: row.value(name))
    newest = sorted(rows, key=lambda row: -row.number)
    known = [(found, row) for row in newest if (found := value(row)) is not None]
    known.sort(key=lambda each: each[0], reverse=order.startswith("-"))
    return [*(row for _, row in known), *(row for row in newest if value(row) is None)]
