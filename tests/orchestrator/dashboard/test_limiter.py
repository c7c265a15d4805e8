"""How often somebody may ask."""

from drivers.clock import SystemClock
from orchestrator.dashboard.limiter import Limiter


class HandClock(SystemClock):
    """A clock that a test moves."""

    at_s = 0.0

    def monotonic_s(self) -> float:
        return self.at_s


def test_after_a_burst_somebody_waits_and_others_do_not() -> None:
    clock = HandClock()
    limiter = Limiter(60, 3, clock)

    assert [limiter.wait_s("ada") for _ in range(3)] == [0, 0, 0]
    assert limiter.wait_s("ada") == 1.0
    assert limiter.wait_s("bob") == 0

    clock.at_s = 1.0
    assert limiter.wait_s("ada") == 0
    assert limiter.wait_s("ada") == 1.0


def test_a_pause_gives_no_more_than_a_burst() -> None:
    clock = HandClock()
    limiter = Limiter(60, 3, clock)
    limiter.wait_s("ada")
    clock.at_s = 3600.0

    assert [limiter.wait_s("ada") > 0 for _ in range(4)] == [False, False, False, True]


def test_many_addresses_fill_no_memory() -> None:
    limiter = Limiter(60, 1, HandClock())
    for number in range(20_000):
        limiter.wait_s(str(number))

    assert len(limiter._buckets) == 10_000
    assert limiter.wait_s("19999") > 0
