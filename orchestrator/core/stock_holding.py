"""What one experiment has of the stocks: reserved at its start, drawn by its jobs, given back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

from orchestrator.core.stock import Lot, LotAmounts

__all__ = [
    "Drawn",
    "Holding",
    "LotTable",
    "after_draw",
    "after_end",
    "after_return",
    "after_skip",
    "after_start",
]

LotTable: TypeAlias = Mapping[tuple[str, str], Lot]
"""Lots by stock and name; one that is not in it is not counted."""


class Drawn(NamedTuple):
    """What a job took from one lot."""

    stock: str
    lot: str
    amount: int
    """In millionths of a millilitre or a gram."""
    n_counts: int
    """How often the lot had been counted by then: a later count has seen that it was gone."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one experiment has of the stocks."""

    reserved: LotAmounts = field(default_factory=dict)
    drawn: Mapping[str, tuple[Drawn, ...]] = field(default_factory=dict)
    """By job, what is drawn or may be."""
    returned: Mapping[str, tuple[Drawn, ...]] = field(default_factory=dict)
    """By job, what was given back, for it may turn out to be gone after all."""


def after_start(lots: LotTable, reserves: LotAmounts) -> tuple[Holding, dict[tuple[str, str], Lot]]:
    """Return what an experiment has and the lots after it started.

    Args:
        lots: Before.
        reserves: What is kept for it.
    """
    after = dict(lots)
    for stock, lot, amount in _flat(reserves):
        _move(after, stock, lot, reserved=amount)
    return Holding(reserved={stock: dict(of) for stock, of in reserves.items()}), after


def after_draw(
    holding: Holding, lots: LotTable, job_id: str, draws: LotAmounts
) -> tuple[Holding, dict[tuple[str, str], Lot]]:
    """Return both after a job drew: its reservation shrinks by as much, in those lots if it can.

    Args:
        holding: The experiment's.
        lots: Before.
        job_id: Which job.
        draws: What it takes.
    """
    after = dict(lots)
    reserved = {stock: dict(of) for stock, of in holding.reserved.items()}
    taken = [*holding.drawn.get(job_id, ())]
    for stock, of in draws.items():
        own = reserved.get(stock, {})
        for lot, amount in of.items():
            known = after.get((stock, lot))
            taken.append(Drawn(stock, lot, amount, known.n_counts if known is not None else 0))
            _move(after, stock, lot, consumed=amount)
        _release(after, stock, own, of)
    returned = {name: of for name, of in holding.returned.items() if name != job_id}
    drawn = {**holding.drawn, job_id: tuple(taken)}
    return Holding(_without_nothing(reserved), drawn, returned), after


def after_return(
    holding: Holding, lots: LotTable, job_id: str
) -> tuple[Holding, dict[tuple[str, str], Lot]]:
    """Return both after it became known that a job had not acted: it is reserved once more.

    Args:
        holding: The experiment's.
        lots: Before.
        job_id: Which job.
    """
    after = dict(lots)
    reserved = {stock: dict(of) for stock, of in holding.reserved.items()}
    taken = holding.drawn.get(job_id, ())
    for stock, lot, amount, n_counts in taken:
        known = after.get((stock, lot))
        was_counted = known is not None and known.n_counts != n_counts
        _move(after, stock, lot, reserved=amount, consumed=0 if was_counted else -amount)
        of = reserved.setdefault(stock, {})
        of[lot] = of.get(lot, 0) + amount
    drawn = {name: of for name, of in holding.drawn.items() if name != job_id}
    return Holding(reserved, drawn, {**holding.returned, job_id: taken}), after


def after_skip(
    holding: Holding, lots: LotTable, spares: Mapping[str, int]
) -> tuple[Holding, dict[tuple[str, str], Lot]]:
    """Return both after a job was skipped: what was reserved for it is free again.

    Args:
        holding: The experiment's.
        lots: Before.
        spares: What the job would have taken of each stock, in millionths.
    """
    after = dict(lots)
    reserved = {stock: dict(of) for stock, of in holding.reserved.items()}
    for stock, amount in spares.items():
        left, own = amount, reserved.get(stock, {})
        for lot in sorted(own):
            part = min(own[lot], left)
            own[lot] -= part
            left -= part
            _move(after, stock, lot, reserved=-part)
    return replace(holding, reserved=_without_nothing(reserved)), after


def after_end(holding: Holding, lots: LotTable) -> tuple[Holding, dict[tuple[str, str], Lot]]:
    """Return both after the experiment ended: nothing is reserved for it any more.

    Args:
        holding: The experiment's.
        lots: Before.
    """
    after = dict(lots)
    for stock, lot, amount in _flat(holding.reserved):
        _move(after, stock, lot, reserved=-amount)
    return replace(holding, reserved={}), after


def _flat(amounts: LotAmounts) -> Iterable[tuple[str, str, int]]:
    return ((stock, lot, n) for stock, of in amounts.items() for lot, n in of.items())


def _move(
    lots: dict[tuple[str, str], Lot], stock: str, lot: str, *, reserved: int = 0, consumed: int = 0
) -> None:
    known = lots.get((stock, lot))
    if known is not None:
        lots[stock, lot] = known.moved(reserved=reserved, consumed=consumed)


def _release(
    lots: dict[tuple[str, str], Lot], stock: str, own: dict[str, int], drawn: Mapping[str, int]
) -> None:
    """Take what is drawn off what is reserved: where it is drawn from, then in other lots."""
    left = sum(drawn.values())
    of_drawn = [(lot, min(own.get(lot, 0), amount)) for lot, amount in drawn.items()]
    for lot, most in [*of_drawn, *((lot, own[lot]) for lot in sorted(own))]:
        part = min(most, own.get(lot, 0), left)
        if part:
            own[lot] -= part
            left -= part
            _move(lots, stock, lot, reserved=-part)


def _without_nothing(amounts: LotAmounts) -> dict[str, dict[str, int]]:
    kept = {stock: {lot: n for lot, n in of.items() if n} for stock, of in amounts.items()}
    return {stock: of for stock, of in kept.items() if of}
