"""Following a log: nobody misses a record, nobody gets one twice, and nobody waits for anybody."""

import asyncio
import multiprocessing
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.clock import SystemClock
from orchestrator.core.events import (
    LAB_STREAM,
    AlarmAcknowledged,
    CampaignHeld,
    JobOutcomeUnknown,
    JobStarted,
    LatchSet,
    PauseRequested,
    campaign_stream,
)
from orchestrator.errors import LogCorrupt, LogUnavailable, RequestRefused
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.service.following import Follower, Subscription
from orchestrator.service.stream_events import stream_event
from orchestrator.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STREAM = campaign_stream("small-1")


class HandClock(SystemClock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.passed_s = 0.0

    def monotonic_s(self) -> float:
        return self.passed_s

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed_s)


class MoodyLog(MemoryLog):
    """Cannot be read while it has a mood."""

    mood: Exception | None = None

    def read(self, **asked):
        if self.mood is not None:
            raise self.mood
        return super().read(**asked)

    def last_seq(self) -> int:
        if self.mood is not None:
            raise self.mood
        return super().last_seq()


def append(log, n: int = 1, event=None) -> None:
    for _ in range(n):
        log.append(STREAM, [event or PauseRequested()], time=NOW, actor="ada", is_simulated=True)


def follower_of(log, **options) -> Follower:
    clock = options.pop("clock", HandClock())
    return Follower(log, clock=clock, source="memory", **options)


async def taken(reader: Subscription, until: int) -> list[int]:
    """Take all there is up to a record."""
    seqs: list[int] = []
    while reader.seq < until and not reader.is_ended:
        seqs += [event.seq for event in await reader.next(timeout_s=30.0)]
    assert await reader.next(timeout_s=0.0) == ()
    return seqs


def test_a_record_is_told_with_its_text_and_who_said_it():
    log = MemoryLog()
    append(log, event=PauseRequested(reason="lunch"))

    event = stream_event(next(log.read()))

    assert (event.seq, event.topic, event.campaign_id) == (1, "campaign", "small-1")
    assert (event.kind, event.actor, event.time) == ("PauseRequested", "ada", NOW)
    assert event.text == "pause requested: lunch"


@pytest.mark.parametrize(
    ("stream", "event", "topics"),
    [
        (LAB_STREAM, LatchSet(source="ada", reason="smoke"), ("lab",)),
        (LAB_STREAM, AlarmAcknowledged(alarm="latch", reason="seen"), ("alarms", "lab")),
        (STREAM, CampaignHeld(reason="in doubt"), ("campaign", "tasks")),
        (STREAM, JobOutcomeUnknown(job_id="E0001/dose", evidence="none"), ("campaign", "tasks")),
        (STREAM, JobStarted(job_id="E0001/dose", attempt=1, epoch=1), ("campaign",)),
    ],
)
def test_topics_say_which_parts_may_look_different(stream, event, topics):
    log = MemoryLog()
    log.append(stream, [event], time=NOW, actor="engine", is_simulated=True)

    told = stream_event(next(log.read()))

    assert told.topics == topics
    assert told.topic == topics[0]
    assert bool(told.campaign_id) == (stream == STREAM)


def test_a_subscriber_is_given_what_comes_and_what_it_missed():
    async def check() -> None:
        log = MemoryLog()
        append(log, 5)
        follower = follower_of(log)
        fresh, back = follower.subscribe(), follower.subscribe(2)
        append(log, 3)
        follower.look()

        assert await taken(fresh, 8) == [6, 7, 8]
        assert await taken(back, 8) == [3, 4, 5, 6, 7, 8]
        assert (fresh.seq, back.seq, follower.seq) == (8, 8, 8)

    asyncio.run(check())


@settings(max_examples=80, deadline=None)
@given(
    doings=st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(1, 30)),
            st.tuples(st.just("look"), st.just(0)),
            st.tuples(st.just("subscribe"), st.integers(0, 200)),
            st.tuples(st.just("read"), st.integers(0, 5)),
        ),
        max_size=40,
    ),
    n_kept=st.integers(1, 20),
)
def test_there_is_no_gap_and_no_double_however_they_come_and_go(doings, n_kept):
    async def check() -> None:
        log = MemoryLog()
        follower = follower_of(log, n_kept=n_kept)
        readers: list[tuple[Subscription, list[int]]] = []
        for doing, number in doings:
            match doing:
                case "append":
                    append(log, number)
                case "look":
                    follower.look()
                case "subscribe":
                    after = min(number, log.last_seq())
                    readers.append((follower.subscribe(after), [after]))
                case "read" if readers:
                    reader, seen = readers[number % len(readers)]
                    wait_s = 30.0 if reader.seq < follower.seq else 0.0
                    seen += [event.seq for event in await reader.next(timeout_s=wait_s)]
        follower.look()
        for reader, seen in readers:
            rest = await taken(reader, log.last_seq())
            assert [*seen, *rest] == list(range(seen[0], log.last_seq() + 1))

    asyncio.run(check())


def test_a_subscriber_that_never_reads_is_ended_and_nobody_waits_for_it():
    async def check() -> None:
        log, clock = MemoryLog(), HandClock()
        follower = follower_of(log, clock=clock, n_kept=10, patience_s=5.0)
        lazy, other = follower.subscribe(), follower.subscribe()
        for second in range(8):
            append(log, 5)
            follower.look()
            assert await taken(other, follower.seq) == [5 * second + n for n in range(1, 6)]
            clock.passed_s += 1.0

        assert lazy.is_lost
        assert await lazy.next() == ()
        assert not other.is_ended
        again = follower.subscribe(lazy.seq)
        assert await taken(again, 40) == list(range(1, 41))

    asyncio.run(check())


def test_a_reader_is_not_lost_to_a_burst_that_came_at_once():
    async def check() -> None:
        log = MemoryLog()
        follower = follower_of(log, n_kept=10)
        reader = follower.subscribe()
        follower._clock.passed_s += 3600.0
        append(log, 700)
        follower.look()

        assert await taken(reader, 700) == list(range(1, 701))
        assert not reader.is_ended

    asyncio.run(check())


def test_a_waiting_reader_is_woken_from_the_followers_thread():
    async def check() -> None:
        log = MemoryLog()
        with follower_of(log, clock=SystemClock(), poll_s=0.001) as follower:
            reader = follower.subscribe()
            waiting = asyncio.ensure_future(reader.next(timeout_s=10.0))
            await asyncio.sleep(0)
            append(log)
            assert [event.seq for event in await waiting] == [1]
            assert await reader.next(timeout_s=0.0) == ()

        assert reader.is_ended
        assert not reader.is_lost
        assert await reader.next() == ()

    asyncio.run(check())


def test_a_log_that_cannot_be_read_is_waited_for_and_said(caplog):
    async def check() -> None:
        log, clock = MoodyLog(), HandClock()
        follower = follower_of(log, clock=clock)
        reader = follower.subscribe()
        log.mood = LogUnavailable("lab.db: the disk is full")
        clock.passed_s = 7.0
        follower.look()
        clock.passed_s = 9.0
        follower.look()
        assert follower.trouble == "lab.db: the disk is full"
        assert follower.trouble_since == NOW + timedelta(seconds=7)

        log.mood = None
        append(log)
        follower.look()
        assert (follower.trouble, follower.trouble_since) == ("", None)
        assert await taken(reader, 1) == [1]

    asyncio.run(check())
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_what_was_missed_and_cannot_be_read_is_an_error_and_no_gap():
    async def check() -> None:
        log = MoodyLog()
        append(log, 3)
        follower = follower_of(log)
        reader = follower.subscribe(1)
        log.mood = LogCorrupt("record 2: not what it was")
        with pytest.raises(LogCorrupt, match="record 2"):
            await reader.next(timeout_s=5.0)
        log.mood = None
        assert await taken(reader, 3) == [2, 3]

    asyncio.run(check())


def test_a_page_of_another_log_is_refused():
    async def check() -> None:
        log = MemoryLog()
        append(log, 3)
        follower = follower_of(log)
        append(log)
        ahead = follower.subscribe(4)  # the log has it, the follower has not looked
        follower.look()
        assert await taken(ahead, 4) == []
        with pytest.raises(RequestRefused, match="got 5"):
            follower.subscribe(5)

    asyncio.run(check())


def test_one_that_left_is_told_nothing():
    async def check() -> None:
        log = MemoryLog()
        follower = follower_of(log)
        reader = follower.subscribe()
        reader.close()
        reader.close()
        append(log)
        follower.look()
        assert await reader.next() == ()
        follower.stop()

    asyncio.run(check())


def append_many(path: str, n: int) -> None:
    """Append from another process."""
    log = open_sqlite_log(path, must_exist=True)
    append(log, n)
    log.close()


@pytest.mark.slow
def test_appends_of_other_processes_come_in_order_without_a_gap(tmp_path: Path):
    path = tmp_path / "lab.db"
    log = open_sqlite_log(path)
    append(log, 20)
    log.close()
    processes = [
        multiprocessing.get_context("spawn").Process(target=append_many, args=(str(path), 150))
        for _ in range(2)
    ]

    async def follow(follower: Follower, after: int, *, returns: bool) -> list[int]:
        seen: list[int] = []
        reader = follower.subscribe(after)
        while after + len(seen) < 320 and not reader.is_ended:
            seen += [event.seq for event in await reader.next(timeout_s=30.0)]
            if returns:
                reader.close()
                reader = follower.subscribe(seen[-1])
        return seen

    async def check() -> list[list[int]]:
        options = Settings(database=str(path), actor="ada")
        with Follower.open(options, poll_s=0.005, n_kept=50) as follower:
            readers = [follow(follower, 20, returns=False), follow(follower, 0, returns=True)]
            return await asyncio.gather(*readers)

    starter = threading.Thread(target=lambda: [one.start() for one in processes])
    starter.start()
    steady, returning = asyncio.run(check())
    starter.join()
    for one in processes:
        one.join()

    assert steady == list(range(21, 321))
    assert returning == list(range(1, 321))


@pytest.mark.parametrize("n", [4, 5, 6, 7])
def test_what_just_left_the_memory_comes_from_the_log(n):
    async def check() -> None:
        log = MemoryLog()
        follower = follower_of(log, n_kept=5)
        reader = follower.subscribe()
        append(log, n)
        follower.look()
        assert await taken(reader, n) == list(range(1, n + 1))

    asyncio.run(check())


def test_one_that_has_read_is_patient_with_anew():
    async def check() -> None:
        log, clock = MemoryLog(), HandClock()
        follower = follower_of(log, clock=clock, n_kept=10, patience_s=5.0)
        reader = follower.subscribe()
        append(log)
        follower.look()
        assert await taken(reader, 1) == [1]
        clock.passed_s = 10.0
        append(log, 20)
        follower.look()
        clock.passed_s = 14.0
        append(log, 20)
        follower.look()

        assert not reader.is_ended
        assert await taken(reader, 41) == list(range(2, 42))

    asyncio.run(check())
