from datetime import UTC, date, datetime

import pytest

from orchestrator.core.stock import PER_UNIT, Lot, Lots
from orchestrator.core.stock_forecast import Demand, forecasts, hours_until_gone

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ML = PER_UNIT
INFINITE = float("inf")


def lot(name: str, ml: float, expires: date | None = None) -> Lot:
    return Lot("Ni", name, "ml", amount=int(ml * ML), expires=expires)


@pytest.mark.parametrize(
    ("demands", "expected"),
    [
        ([], INFINITE),
        ([Demand(2 * ML, INFINITE)], 5.0),
        ([Demand(2 * ML, 9.0 * ML)], INFINITE),
        ([Demand(2 * ML, 10.0 * ML)], 5.0),
        ([Demand(1 * ML, INFINITE), Demand(1 * ML, 2.0 * ML)], 8.0),
        ([Demand(1 * ML, 6.0 * ML), Demand(1 * ML, 6.0 * ML)], 5.0),
        ([Demand(1 * ML, 6.0 * ML), Demand(2 * ML, 4.0 * ML)], 6.0),
    ],
)
def test_ten_millilitres_last_so_long(demands: list[Demand], expected: float) -> None:
    assert hours_until_gone([lot("a", 10.0)], demands, NOW) == pytest.approx(expected)


def test_what_expires_before_it_is_used_does_not_count() -> None:
    lots = [lot("a", 100.0, date(2026, 11, 23)), lot("b", 10.0)]

    hours = hours_until_gone(lots, [Demand(2 * ML, INFINITE)], NOW)

    assert hours == pytest.approx(12.0 + 5.0)


def test_a_stock_that_nobody_takes_from_is_told_without_an_end() -> None:
    (found,) = forecasts(Lots((lot("a", 10.0).moved(reserved=ML, consumed=2 * ML),)), [], NOW)

    assert (found.hours_left, found.per_hour) == (None, 0)
    assert (found.on_shelf, found.available, found.reserved, found.consumed) == (
        8 * ML,
        7 * ML,
        ML,
        2 * ML,
    )
