"""When each stock runs out at the rate at which campaigns take of it; pure arithmetic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.stock import PER_UNIT, Lot, Lots, amount_in_words, needs_of

__all__ = ["Demand", "StockForecast", "demands_of", "forecasts", "hours_until_gone"]

_N_SEEN: Final = 20
"""How many of the last experiments tell the rate."""
_N_ENOUGH: Final = 3
"""So many must have started after the first ones before their rate is believed."""


@dataclass(frozen=True, slots=True)
class Demand:
    """How fast one campaign takes of one stock."""

    per_hour: float
    """Millionths of a millilitre or of a gram."""
    at_most: float
    """What it takes altogether before it ends; infinite if nothing says."""


@dataclass(frozen=True, slots=True)
class StockForecast:
    """How long one stock lasts."""

    stock: str
    unit: str
    on_shelf: int
    """What can be used today, reserved amounts included; in millionths like all that follows."""
    reserved: int
    available: int
    consumed: int
    per_hour: float
    """What running campaigns take."""
    hours_left: float | None
    """Until nothing is available; None if it lasts for all that is known to be asked of it."""
    lots: tuple[Lot, ...]

    @property
    def message(self) -> str:
        """What is the matter, in a sentence."""
        left = amount_in_words(self.available, self.unit)
        if not self.hours_left:
            return f"stock {self.stock} has run out: {left} are left that nobody has reserved"
        rate = f"{self.per_hour / PER_UNIT:.3g} {self.unit} an hour"
        return (
            f"stock {self.stock} runs out in about {self.hours_left:.3g} h: {left} are left that "
            f"nobody has reserved, and {rate} are used"
        )


def forecasts(
    shelf: Lots, campaigns: Iterable[CampaignState], now: datetime
) -> tuple[StockForecast, ...]:
    """Return how long each stock of a shelf lasts, by name.

    Args:
        shelf: As it stands.
        campaigns: Those that take from it.
        now: The present time.
    """
    demands: dict[str, list[Demand]] = {}
    for state in campaigns:
        for stock, demand in demands_of(state, now).items():
            demands.setdefault(stock, []).append(demand)
    return tuple(
        _forecast(name, lots, demands.get(name, []), now) for name, lots in shelf.stocks.items()
    )


def demands_of(state: CampaignState, now: datetime) -> dict[str, Demand]:
    """Return how fast a campaign takes of each stock; nothing for one that does not run.

    What the last experiments took, times how many were started in an hour; of a campaign that has
    started too few, how many could be.

    Args:
        state: The campaign; of its ended experiments the last ones are enough.
        now: The present time.
    """
    is_held_for_stock = state.status is CampaignStatus.HELD and bool(state.lacks)
    if state.status is not CampaignStatus.RUNNING and not is_held_for_stock:
        return {}
    closed = state.closed_experiments[-_N_SEEN:]
    everyone = sorted([*closed, *state.open_experiments.values()], key=lambda one: one.number)
    seen = [one for one in everyone if one.jobs][-_N_SEEN:]
    if not seen:
        return {}
    totals: dict[str, int] = {}
    for one in seen:
        for stock, amount in needs_of(job.planned for job in one.jobs.values()).items():
            totals[stock] = totals.get(stock, 0) + amount
    per_hour = _experiments_per_hour(state, seen, now)
    left = _experiments_left(state)
    return {
        stock: Demand(per_hour * amount / len(seen), left * amount / len(seen))
        for stock, amount in totals.items()
    }


def _experiments_per_hour(
    state: CampaignState, seen: Sequence[ExperimentState], now: datetime
) -> float:
    """Return how many are started in an hour: as seen, or as planned while too few were seen."""
    in_flight = 1 if state.spec.recipe is None else int(state.spec.recipe.in_flight)
    until = state.last_time if state.lacks else now
    hours = (until - seen[0].started_time).total_seconds() / 3600.0
    n_followed = len(seen) - in_flight  # the first ones all start at once
    if n_followed >= _N_ENOUGH and hours > 0:
        return n_followed / hours
    return _planned_per_hour(seen[-1], in_flight)


def _planned_per_hour(experiment: ExperimentState, in_flight: int) -> float:
    """Return how many like one there can be in an hour: its busiest instrument is never idle."""
    ended_s: dict[str, float] = {}
    busy_s: dict[str, float] = {}
    for name, job in experiment.jobs.items():
        planned = job.planned
        begun_s = max((ended_s.get(before, 0.0) for before in planned.after), default=0.0)
        ended_s[name] = begun_s + planned.expected_s
        busy_s[planned.instrument] = busy_s.get(planned.instrument, 0.0) + planned.expected_s
    longest_s = max(1.0, *ended_s.values())
    return 3600.0 / max(longest_s / in_flight, *busy_s.values())


def _experiments_left(state: CampaignState) -> float:
    most = state.spec.stopping.max_experiments
    return float("inf") if most is None else max(0.0, float(most - state.n_searched))


def _forecast(
    name: str, lots: Sequence[Lot], demands: Sequence[Demand], now: datetime
) -> StockForecast:
    usable = [lot for lot in lots if lot.is_usable(now.date())]
    left_h = hours_until_gone(usable, demands, now)
    is_asked = any(demand.per_hour > 0 and demand.at_most > 0 for demand in demands)
    return StockForecast(
        stock=name,
        unit=lots[0].unit,
        on_shelf=sum(lot.on_shelf for lot in usable),
        reserved=sum(lot.reserved for lot in lots),
        available=sum(lot.available for lot in usable),
        consumed=sum(lot.consumed for lot in lots),
        per_hour=sum(demand.per_hour for demand in demands),
        hours_left=left_h if is_asked and left_h != float("inf") else None,
        lots=tuple(lots),
    )


def hours_until_gone(lots: Sequence[Lot], demands: Sequence[Demand], now: datetime) -> float:
    """Return for how many hours lots last; infinite if they last for all that is asked.

    Args:
        lots: Of one stock, usable now; the one that expires first is used first.
        demands: Of everybody who takes of it.
        now: The present time.
    """
    left_h = 0.0
    for lot in sorted(lots, key=lambda one: (one.expires or date.max, one.lot)):
        empty_h = _when_taken(demands, _taken(demands, left_h) + lot.available)
        left_h = max(left_h, min(empty_h, _hours_until(lot.expires, now)))
    return left_h


def _hours_until(expires: date | None, now: datetime) -> float:
    """Return when a lot can no longer be used, in hours; infinite if it keeps."""
    if expires is None:
        return float("inf")
    end = datetime.combine(expires + timedelta(days=1), time(), now.tzinfo)
    return (end - now).total_seconds() / 3600.0


def _taken(demands: Sequence[Demand], hours: float) -> float:
    """Return what is taken altogether in so many hours."""
    if hours == float("inf"):
        return sum(demand.at_most for demand in demands)
    return sum(min(demand.per_hour * hours, demand.at_most) for demand in demands)


def _when_taken(demands: Sequence[Demand], amount: float) -> float:
    """Return after how many hours an amount is taken altogether; infinite if it never is."""
    hours, before = 0.0, 0.0
    ends = sorted({one.at_most / one.per_hour for one in demands if one.per_hour > 0})
    for end in ends:
        by_end = _taken(demands, end)
        if by_end >= amount and by_end > before:
            if end == float("inf"):
                break
            return hours + (end - hours) * (amount - before) / (by_end - before)
        hours, before = end, by_end
    rate = sum(one.per_hour for one in demands if one.at_most == float("inf"))
    return hours + (amount - before) / rate if rate > 0 else float("inf")
