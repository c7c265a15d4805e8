"""What the alarm desk keeps of a campaign that goes on for weeks."""

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice

import pytest

from orchestrator.alarms.watched import Watched
from orchestrator.core.events import (
    CampaignStopped,
    EngineAttached,
    ExperimentFailed,
    ObservationAmended,
    ObservationGiven,
    ObservationRetracted,
    StopRequested,
)
from orchestrator.log.event_log import EventLog, Record
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.recovered import StateKeeper, recovered_state
from tests.support.long_campaign import (
    MADE,
    OPENING,
    STREAM,
    CountingLog,
    append,
    begun,
    ended,
)

CAMPAIGN = OPENING.campaign_id


def log_with(n: int) -> CountingLog:
    log = CountingLog()
    lives = (event for number in range(1, n + 1) for event in ended(number))
    append(log, OPENING, EngineAttached(epoch=1), *lives)
    return log


def watched(log: EventLog) -> Watched:
    found = Watched(log, is_simulated=True, campaign_id=None)
    found.catch_up()
    return found


def test_what_ended_long_ago_is_forgotten_at_once_and_along_the_way():
    log = log_with(120)
    desk = watched(log)
    assert len(desk.campaigns[CAMPAIGN].closed_experiments) == 20

    for number in range(121, 400):
        append(log, *ended(number))
        desk.catch_up()
        state = desk.campaigns[CAMPAIGN]
        assert len(state.closed_experiments) < 70
        assert len(state.observations) < 70
    assert state.version == 2 + 4 * 399
    assert not desk.unreadable


def test_a_correction_of_what_was_forgotten_makes_nothing_unreadable():
    log = log_with(120)
    desk = watched(log)

    append(log, ObservationAmended(experiment_id="E0003", observation=MADE, reason="weighed"))
    append(log, ObservationRetracted(experiment_id="E0004", reason="wrong vial"))
    append(log, *ended(121))
    desk.catch_up()

    assert not desk.unreadable
    state = desk.campaigns[CAMPAIGN]
    assert (state.version, state.closed_experiments[-1].experiment_id) == (2 + 480 + 2 + 4, "E0121")


def test_a_result_given_by_hand_to_what_was_forgotten_makes_nothing_unreadable():
    log = CountingLog()
    lost = ExperimentFailed(experiment_id="E0001", cause="measurement", reason="")
    append(log, OPENING, EngineAttached(epoch=1), *begun(1), lost)
    append(log, *(event for number in range(2, 122) for event in ended(number)))
    desk = watched(log)

    given = ObservationGiven(
        experiment_id="E0001", observation=MADE, composition="asked", reason="by hand"
    )
    append(log, given, *ended(122))
    desk.catch_up()

    assert not desk.unreadable
    assert desk.campaigns[CAMPAIGN].closed_experiments[-1].experiment_id == "E0122"


def test_a_station_that_starts_again_reads_on_from_the_snapshot():
    log = log_with(120)
    found = recovered_state(log, CAMPAIGN)
    *_, last = log.read(stream=STREAM)
    StateKeeper(log, STREAM, 0, every=1).note(found.state, last)
    append(log, *ended(121))
    log.n_read = 0

    desk = watched(log)

    assert log.n_read < 20
    state = desk.campaigns[CAMPAIGN]
    assert (state.version, len(state.observations)) == (2 + 4 * 121, 0)


@pytest.mark.parametrize("is_corrected_once_more", [False, True])
def test_a_correction_right_before_the_end_leaves_nothing_behind(is_corrected_once_more):
    log = log_with(120)
    desk = watched(log)

    append(log, ObservationRetracted(experiment_id="E0004", reason="wrong vial"))
    append(log, StopRequested(), CampaignStopped(reason=""))
    if is_corrected_once_more:
        append(log, ObservationRetracted(experiment_id="E0005", reason="wrong vial"))
    desk.catch_up()

    assert desk.campaigns == {}
    assert not desk.unreadable


@contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def bytes_in_use() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


class EndlessLog(MemoryLog):
    """A campaign that goes on; its records are made when they are read, and not kept."""

    n_made = 0
    """How many experiments there are."""

    def last_seq(self) -> int:
        return super().last_seq() + 4 * self.n_made

    def read(
        self, *, after_seq: int = 0, stream: str | None = None, limit: int | None = None
    ) -> Iterator[Record]:
        kept = super().read(after_seq=after_seq, stream=stream)
        return islice(chain(kept, self._made(after_seq, stream)), limit)

    def _made(self, after_seq: int, stream: str | None) -> Iterator[Record]:
        opened = super().last_seq()
        (last,) = super().read(after_seq=opened - 1)
        for number in range(max(0, after_seq - opened) // 4 + 1, self.n_made + 1):
            for place, event in enumerate(ended(number), start=opened + 4 * number - 3):
                if place > after_seq and stream in (None, STREAM):
                    yield replace(last, seq=place, version=place, event=event)


@pytest.mark.slow
def test_thousands_of_experiments_take_no_more_memory_than_some_hundred():
    log = EndlessLog()
    append(log, OPENING, EngineAttached(epoch=1))
    desk = watched(log)
    with traced():
        log.n_made = 200
        desk.catch_up()
        before = bytes_in_use()
        log.n_made = 2200
        desk.catch_up()
        grown = bytes_in_use() - before

    assert desk.campaigns[CAMPAIGN].version == 2 + 4 * 2200
    assert grown < 500_000, "kept, they took 5,000,000"
