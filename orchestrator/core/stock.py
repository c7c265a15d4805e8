"""How much there is of each stock, lot by lot; whole numbers only, so that sums are exact.

Amounts are millionths throughout: nanolitres of a liquid, micrograms of a powder. What an
experiment may need is reserved when it starts, drawn when the intent of a job is written down, and
given back when a job is known not to have acted or the experiment ends without having needed it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from typing import Final, Self, TypeAlias

from orchestrator.core.experiment_events import PlannedJob
from orchestrator.core.stock_events import StockCounted, StockDiscarded, StockEvent, StockReceived

__all__ = [
    "PER_UNIT",
    "Lot",
    "LotAmounts",
    "Lots",
    "amount_in_words",
    "millionths_of",
    "needs_of",
    "picked",
    "shelf_of",
    "why_short",
]

PER_UNIT: Final = 1_000_000
"""Millionths in a millilitre or a gram."""

LotAmounts: TypeAlias = Mapping[str, Mapping[str, int]]
"""Millionths by stock and lot."""


def shelf_of(rig_name: str, *, is_simulated: bool) -> str:
    """Return the name of the shelf that a rig's campaigns share; a dry-run has its own.

    Example:
        >>> shelf_of("oer-line", is_simulated=False)
        'oer-line'
    """
    return f"simulated/{rig_name}" if is_simulated else rig_name


def millionths_of(amount: float, *, is_least: bool = False) -> int:
    """Return an amount in whole millionths of its unit.

    Args:
        amount: Millilitres or grams, at least 0.
        is_least: Whether it is rounded up: of what is needed, never too little.

    Example:
        >>> millionths_of(0.1 + 0.2), millionths_of(1e-7, is_least=True)
        (300000, 1)
    """
    exact = Decimal(f"{amount:.12g}") * PER_UNIT
    return int(exact.to_integral_value(ROUND_CEILING if is_least else ROUND_HALF_EVEN))


def amount_in_words(millionths: int, unit: str) -> str:
    """Return an amount as people read it.

    Example:
        >>> amount_in_words(12_345_678, "ml")
        '12.346 ml'
    """
    return f"{millionths / PER_UNIT:.3f}".rstrip("0").rstrip(".") + f" {unit}"


@dataclass(frozen=True, slots=True)
class Lot:
    """What is known of one lot on a shelf."""

    stock: str
    lot: str
    unit: str
    """``ml`` or ``g``."""
    amount: int = 0
    """What came, all in all, as corrected by counts; in millionths like all that follows."""
    consumed: int = 0
    reserved: int = 0
    purity: float | None = None
    expires: date | None = None
    is_discarded: bool = False
    n_counts: int = 0
    """How often a person counted it."""

    @property
    def on_shelf(self) -> int:
        """What is left in the bottle, reservations included."""
        return 0 if self.is_discarded else max(0, self.amount - self.consumed)

    @property
    def available(self) -> int:
        """What nobody has reserved."""
        return max(0, self.on_shelf - self.reserved)

    def is_usable(self, today: date) -> bool:
        """Tell whether anything may be drawn from it.

        Args:
            today: In UTC.
        """
        return not self.is_discarded and (self.expires is None or today <= self.expires)

    def moved(self, *, reserved: int = 0, consumed: int = 0) -> Self:
        """Return the lot after so much more, or less, is reserved and consumed."""
        return replace(self, reserved=self.reserved + reserved, consumed=self.consumed + consumed)

    def after(self, event: StockEvent) -> Self:
        """Return the lot after one more event of its own.

        Args:
            event: About this lot.
        """
        match event:
            case StockReceived():
                return replace(
                    self,
                    amount=self.consumed + self.on_shelf + millionths_of(event.amount),
                    unit=event.unit,
                    purity=self.purity if event.purity is None else event.purity,
                    expires=self.expires if event.expires is None else event.expires,
                    is_discarded=False,
                )
            case StockCounted():
                left = millionths_of(event.amount)
                counted = replace(self, amount=self.consumed + left, n_counts=self.n_counts + 1)
                return replace(counted, is_discarded=False)
            case StockDiscarded():
                return replace(self, is_discarded=True)


@dataclass(frozen=True, slots=True)
class Lots:
    """Every lot of one shelf."""

    lots: tuple[Lot, ...] = ()
    own: Mapping[str, LotAmounts] = field(default_factory=dict)
    """What is reserved for whom, by the experiment's id, of the campaign that looks."""

    @property
    def stocks(self) -> dict[str, tuple[Lot, ...]]:
        """The lots by stock, in order of names."""
        names = sorted({lot.stock for lot in self.lots})
        return {name: tuple(lot for lot in self.lots if lot.stock == name) for name in names}

    def moved(self, amounts: LotAmounts, *, reserved: int = 0, consumed: int = 0) -> Self:
        """Return the shelf after amounts were reserved or consumed, each times a factor.

        Args:
            amounts: By stock and lot.
            reserved: 1 reserves them, -1 lets go of them.
            consumed: 1 consumes them, -1 gives them back.
        """
        lots = []
        for lot in self.lots:
            n = amounts.get(lot.stock, {}).get(lot.lot, 0)
            lots.append(lot.moved(reserved=reserved * n, consumed=consumed * n) if n else lot)
        return replace(self, lots=tuple(lots))

    def for_experiment(self, needs: Mapping[str, int], today: date) -> LotAmounts | None:
        """Return which lots to reserve for an experiment; None if there is not enough.

        Args:
            needs: Millionths by stock.
            today: In UTC.
        """
        return None if self.why_not_start(needs, today) else _all_picked(self, needs, today, {})

    def why_not_start(self, needs: Mapping[str, int], today: date) -> str:
        """Say which stock does not suffice for an experiment that has not started; empty if all do.

        Args:
            needs: Millionths by stock.
            today: In UTC.
        """
        return _first_short(self, needs, today, {})

    def for_job(
        self, experiment_id: str, draws: Mapping[str, int], today: date
    ) -> LotAmounts | None:
        """Return from which lots a job draws; None if there is not enough.

        Args:
            experiment_id: Whose reservations it may use.
            draws: Millionths by stock.
            today: In UTC.
        """
        if self.why_not_draw(experiment_id, draws, today):
            return None
        return _all_picked(self, draws, today, self.own.get(experiment_id, {}))

    def why_not_draw(self, experiment_id: str, draws: Mapping[str, int], today: date) -> str:
        """Say which stock does not suffice for a job; empty if all do.

        Args:
            experiment_id: Whose reservations it may use.
            draws: Millionths by stock.
            today: In UTC.
        """
        return _first_short(self, draws, today, self.own.get(experiment_id, {}))


def needs_of(jobs: Iterable[PlannedJob]) -> dict[str, int]:
    """Return what jobs take altogether, in millionths by stock.

    Args:
        jobs: Of one experiment.
    """
    needs: dict[str, int] = {}
    for job in jobs:
        for stock, amount in job.draws.items():
            needs[stock] = needs.get(stock, 0) + amount
    return needs


def picked(lots: Iterable[Lot], need: int, today: date, own: Mapping[str, int]) -> dict[str, int]:
    """Return how much to take from which lot: the one that expires first comes first.

    Args:
        lots: Of one stock.
        need: In millionths.
        today: In UTC.
        own: What is reserved already for whoever takes it, by lot.

    Returns:
        By lot; altogether less than what is needed if there is not enough.
    """
    found: dict[str, int] = {}
    usable = [lot for lot in lots if lot.is_usable(today)]
    for lot in sorted(usable, key=lambda one: (one.expires or date.max, one.lot)):
        open_to_it = min(lot.available + own.get(lot.lot, 0), lot.on_shelf)
        part = min(need - sum(found.values()), open_to_it)
        if part > 0:
            found[lot.lot] = part
    return found


def why_short(stock: str, lots: Sequence[Lot], need: int, today: date, got: int) -> str:
    """Say what there is too little of, how much is needed and how much there is.

    Args:
        stock: Its name.
        lots: All of them.
        need: In millionths.
        today: In UTC.
        got: What could be had, in millionths.
    """
    if not lots:
        return f"stock {stock}: nobody has ever said how much there is"
    unit = lots[0].unit
    told = f"stock {stock}: {amount_in_words(need, unit)} needed, "
    told += f"{amount_in_words(got, unit)} available"
    reserved = sum(lot.reserved for lot in lots)
    spent = [lot.lot for lot in lots if lot.on_shelf and not lot.is_usable(today)]
    told += f", {amount_in_words(reserved, unit)} reserved" if reserved else ""
    return told + (f"; lot {', '.join(spent)} has expired" if spent else "")


def _all_picked(
    shelf: Lots, needs: Mapping[str, int], today: date, own: LotAmounts
) -> dict[str, dict[str, int]]:
    stocks = shelf.stocks
    return {
        name: picked(stocks[name], need, today, own.get(name, {}))
        for name, need in sorted(needs.items())
        if need
    }


def _first_short(shelf: Lots, needs: Mapping[str, int], today: date, own: LotAmounts) -> str:
    stocks = shelf.stocks
    for name, need in sorted(needs.items()):
        lots = stocks.get(name, ())
        got = sum(picked(lots, need, today, own.get(name, {})).values())
        if got < need:
            mine = own.get(name, {})
            all_there = sum(picked(lots, 10**18, today, mine).values())
            return why_short(name, lots, need, today, all_there)
    return ""
