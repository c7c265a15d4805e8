"""A campaign's time goes on while the machine's time of day is set back."""

from datetime import UTC, datetime, timedelta

import pytest

from drivers.clock import SystemClock
from orchestrator.wiring.steady_clock import SteadyClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Machine:
    """A time of day that is set by hand, and a monotonic scale."""

    def __init__(self) -> None:
        self.time, self.passed_s = NOON, 0.0

    def pass_by(self, duration_s: float) -> None:
        self.passed_s += duration_s
        self.time += timedelta(seconds=duration_s)


@pytest.fixture
def machine(monkeypatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(SystemClock, "now", lambda self: machine.time)
    monkeypatch.setattr(SystemClock, "monotonic_s", lambda self: machine.passed_s)
    return machine


def test_a_delay_passes_although_the_clock_is_set_back(machine):
    clock = SteadyClock(NOON)
    machine.pass_by(10.0)
    failed = clock.now()

    machine.time -= timedelta(hours=1)
    machine.pass_by(15.0)

    assert clock.now() == failed + timedelta(seconds=15)


def test_after_a_restart_a_delay_is_no_longer_than_it_is(machine):
    machine.time -= timedelta(hours=1)

    clock = SteadyClock(NOON)
    machine.pass_by(15.0)

    assert clock.now() == NOON + timedelta(seconds=15)


def test_the_time_of_day_is_followed_forward_and_where_it_is_only_kept_right(machine):
    clock = SteadyClock(NOON)

    machine.time += timedelta(hours=1)
    assert clock.now() == NOON + timedelta(hours=1)
    machine.time -= timedelta(milliseconds=300)
    assert clock.now() == machine.time


def test_what_was_set_back_is_followed_again_once_it_has_caught_up(machine):
    clock = SteadyClock(NOON)
    machine.time -= timedelta(hours=1)
    assert clock.now() == NOON

    machine.time += timedelta(hours=2)

    assert clock.now() == machine.time
