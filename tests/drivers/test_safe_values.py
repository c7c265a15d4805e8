"""Several outputs made safe: all are tried, and what failed is told at the end."""

import asyncio

import pytest

from drivers.errors import LineError, OutcomeUnknown
from drivers.safe_values import try_all


def made_safe(*outcomes: Exception | None) -> list[int]:
    tried: list[int] = []

    async def attempt(place: int, outcome: Exception | None) -> None:
        tried.append(place)
        if outcome is not None:
            raise outcome

    async def main() -> None:
        await try_all(attempt(place, outcome) for place, outcome in enumerate(outcomes))

    try:
        asyncio.run(main())
    finally:
        assert tried == list(range(len(outcomes)))
    return tried


def test_all_well_says_nothing():
    assert made_safe(None, None) == [0, 1]


def test_all_that_is_not_proved_is_named():
    first, last = OutcomeUnknown("pump", "silent"), OutcomeUnknown("valve", is_line_down=True)
    with pytest.raises(OutcomeUnknown, match=r"pump; valve \[silent\]") as caught:
        made_safe(first, None, last)
    assert caught.value.is_line_down


def test_a_line_that_is_down_comes_first():
    with pytest.raises(LineError, match="out"):
        made_safe(OutcomeUnknown("pump"), LineError("the cable is out"), None)
