"""Deliveries to real servers that fail, hang, redirect and die; the clock is moved by hand."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from orchestrator.access.records import Webhook
from orchestrator.access.webhooks import WebhookBook, is_signed
from orchestrator.core.events import LAB_STREAM, InstrumentPutBack, LatchSet
from orchestrator.dashboard.posting import post
from orchestrator.dashboard.webhooks import MOST_EVENTS, Deliverer, Post
from orchestrator.errors import LogUnavailable
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.service.following import Follower
from orchestrator.settings import Settings
from tests.support.hook_server import HookServer, hook_server
from tests.support.recorded_campaign import record_campaign


class HandClock(SystemClock):
    """The machine's clock, moved on by hand."""

    later_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.later_s)

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.later_s


class Laboratory:
    """A log, a book, and as many web processes as a test wants."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.settings = Settings(database=folder / "lab.db", actor="test")
        self.log = open_sqlite_log(self.settings.database)
        self.book = WebhookBook(folder / "lab.db.access", self.clock)
        self.followers: list[Follower] = []

    def close(self) -> None:
        for follower in self.followers:
            follower.stop()
        self.log.close()

    def deliverer(self, send: Post = post, book: WebhookBook | None = None) -> Deliverer:
        follower = Follower.open(self.settings)
        self.followers.append(follower)
        known = book or self.book
        return Deliverer(known, follower, clock=self.clock, send=send, draw=lambda: 0.0)

    def happen(self, n: int = 1) -> None:
        """Let things happen in the laboratory."""
        events = [InstrumentPutBack(instrument="balance", reason=f"{i}") for i in range(n)]
        self.log.append(LAB_STREAM, events, time=self.clock.now(), actor="ada", is_simulated=False)

    def look(self, deliverer: Deliverer, *, later_s: float = 0.0) -> None:
        """Let some time pass, then let a process look and end what it began."""
        self.clock.later_s += later_s
        for follower in self.followers:
            follower.look()
        deliverer.look()
        assert deliverer.wait(10.0)

    def hook(self, server: HookServer, *topics: str) -> str:
        told_seq = self.log.last_seq()
        hook, _ = self.book.add_webhook(server.url, topics=topics, by="Ada", told_seq=told_seq)
        return hook.hook_id


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Laboratory]:
    made = Laboratory(tmp_path)
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[HookServer]:
    with hook_server() as running:
        yield running


def seqs_of(server: HookServer) -> list[int]:
    return [seq for taken in server.taken for seq in taken.seqs]


def test_what_happens_is_delivered_signed_and_in_order(
    laboratory: Laboratory, server: HookServer
) -> None:
    hook_id = laboratory.hook(server)
    process = laboratory.deliverer()
    laboratory.happen(3)

    laboratory.look(process)
    assert server.came == []
    laboratory.look(process, later_s=1.0)

    (taken,) = server.taken
    assert taken.seqs == [1, 2, 3]
    assert taken.headers["athanor-delivery"] == taken.json["delivery_id"] == f"{hook_id}-3"
    assert taken.headers["content-type"] == "application/json"
    secret = laboratory.book.secret_of(hook_id)
    now_s = laboratory.clock.now().timestamp()
    assert is_signed(secret, taken.headers["athanor-signature"], taken.body, now_s=now_s)
    assert laboratory.book.webhook(hook_id).told_seq == 3
    laboratory.look(process, later_s=5.0)
    assert len(server.came) == 1


def test_a_delivery_holds_a_hundred_events_and_a_full_one_does_not_wait(
    laboratory: Laboratory, server: HookServer
) -> None:
    laboratory.hook(server)
    process = laboratory.deliverer()
    laboratory.happen(MOST_EVENTS + 20)

    laboratory.look(process)
    assert [len(taken.seqs) for taken in server.taken] == [MOST_EVENTS]
    laboratory.look(process)
    laboratory.look(process, later_s=1.0)

    assert seqs_of(server) == list(range(1, MOST_EVENTS + 21))


@pytest.mark.slow
def test_a_webhook_is_told_its_topics_alone(laboratory: Laboratory, server: HookServer) -> None:
    hook_id = laboratory.hook(server, "campaign")
    process = laboratory.deliverer()
    laboratory.happen(1200)
    laboratory.look(process)
    laboratory.look(process, later_s=2.0)
    assert server.came == []
    assert laboratory.book.webhook(hook_id).told_seq >= 1000

    record_campaign(laboratory.log, n=2)
    laboratory.look(process)
    laboratory.look(process, later_s=1.0)

    assert {event["topic"] for taken in server.taken for event in taken.json["events"]} == {
        "campaign"
    }


@pytest.mark.slow
@pytest.mark.parametrize("manner", ["fails", "redirects", "hangs", "breaks", "dribbles"])
def test_what_is_not_taken_is_sent_again_as_it_was(
    laboratory: Laboratory, server: HookServer, manner: str
) -> None:
    server.manner = manner  # type: ignore[assignment]  # one of them, from the list above
    hook_id = laboratory.hook(server)
    limit_s = [0.2 if manner in ("hangs", "dribbles") else 10.0]
    process = laboratory.deliverer(lambda *what: post(*what, timeout_s=limit_s[0]))
    laboratory.happen(2)
    laboratory.look(process)
    laboratory.look(process, later_s=1.0)
    failed = laboratory.book.webhook(hook_id)
    assert (failed.n_failed, failed.told_seq) == (1, 0)
    assert failed.last_error

    laboratory.happen(2)
    laboratory.look(process)
    assert len(server.came) == 1
    server.manner, limit_s[0] = "takes", 10.0
    laboratory.look(process, later_s=1.1)
    laboratory.look(process)
    laboratory.look(process, later_s=1.1)

    first, again, later = server.came
    assert first.body == again.body
    assert first.headers["athanor-delivery"] == again.headers["athanor-delivery"]
    assert {one.path for one in server.came} == {"/hook"}
    assert (again.seqs, later.seqs) == ([1, 2], [3, 4])
    told = laboratory.book.webhook(hook_id)
    assert (told.told_seq, told.n_failed, told.last_error) == (4, 0, "")


@pytest.mark.slow
def test_the_wait_doubles_up_to_an_hour_and_ends_after_three_days(
    laboratory: Laboratory, server: HookServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.manner = "fails"
    hook_id = laboratory.hook(server)
    process = laboratory.deliverer()
    laboratory.happen()
    laboratory.look(process)
    laboratory.look(process, later_s=1.0)
    waits = []
    while not laboratory.book.webhook(hook_id).is_off:
        due = laboratory.book.webhook(hook_id).next_time
        assert due is not None
        wait_s = (due - laboratory.clock.now()).total_seconds()
        waits.append(round(wait_s / 10) * 10 if wait_s > 100 else 0)
        laboratory.look(process, later_s=wait_s - 0.6)
        n_came = len(server.came)
        laboratory.look(process, later_s=1.0)
        assert len(server.came) == n_came + 1

    assert waits[-1] == 3600
    assert 78 < len(waits) < 90
    assert "switched off" in caplog.text
    laboratory.look(process, later_s=7200.0)
    assert len(server.came) == len(waits) + 1


class Dying(WebhookBook):
    """A book that can no longer be written when a delivery was taken, as if the process died."""

    def note_told(self, hook: Webhook, told_seq: int) -> bool:
        raise LogUnavailable("the process is dead")


def test_a_process_that_dies_leaves_nothing_out(laboratory: Laboratory, server: HookServer) -> None:
    laboratory.hook(server)
    first = laboratory.deliverer(book=Dying(laboratory.book.path, laboratory.clock))
    laboratory.happen(2)
    laboratory.look(first)
    laboratory.look(first, later_s=1.0)
    laboratory.happen(1)
    second = laboratory.deliverer()
    laboratory.look(second)
    assert len(server.came) == 1
    laboratory.look(second, later_s=31.0)
    laboratory.look(second)
    laboratory.look(second, later_s=1.0)

    assert [taken.seqs for taken in server.taken] == [[1, 2], [1, 2], [3]]
    assert server.taken[0].body == server.taken[1].body


@pytest.mark.slow
def test_two_processes_do_not_both_deliver(laboratory: Laboratory, server: HookServer) -> None:
    laboratory.hook(server)
    processes = [laboratory.deliverer(), laboratory.deliverer()]
    for _ in range(6):
        laboratory.happen(3)
        for process in processes:
            laboratory.look(process, later_s=1.0)
    processes[0].stop()
    laboratory.happen(3)
    for _ in range(8):
        laboratory.look(processes[1], later_s=1.0)

    assert seqs_of(server) == list(range(1, 22))


def test_a_log_that_ends_before_what_was_told_is_said(
    laboratory: Laboratory, server: HookServer
) -> None:
    hook, _ = laboratory.book.add_webhook(server.url, topics=[], by="Ada", told_seq=2)
    process = laboratory.deliverer()
    laboratory.happen()
    laboratory.look(process)
    assert "another log" in laboratory.book.webhook(hook.hook_id).last_error

    laboratory.happen(2)
    for _ in range(2):
        laboratory.look(process, later_s=61.0)
    laboratory.look(process, later_s=1.0)

    assert seqs_of(server) == [3]
    assert laboratory.book.webhook(hook.hook_id).last_error == ""


def test_one_that_hangs_delays_no_other(laboratory: Laboratory, server: HookServer) -> None:
    with hook_server() as slow:
        slow.manner = "hangs"
        laboratory.hook(slow)
        laboratory.hook(server)
        process = laboratory.deliverer(partial(post, timeout_s=5.0))
        laboratory.happen(2)
        laboratory.followers[0].look()
        process.look()
        laboratory.clock.later_s += 1.0
        process.look()
        until(lambda: bool(server.taken))

        assert not process.wait(0.0)
        slow.is_over.set()
        assert process.wait(5.0)
    assert seqs_of(server) == [1, 2]


def until(is_so: Callable[[], bool]) -> None:
    from threading import Event

    for _ in range(500):
        if is_so():
            return
        Event().wait(0.01)
    raise AssertionError("it never was so")


@pytest.mark.slow
def test_a_running_deliverer_tells_and_stops(laboratory: Laboratory, server: HookServer) -> None:
    laboratory.hook(server)
    process = laboratory.deliverer()
    laboratory.log.append(
        LAB_STREAM,
        [LatchSet(source="ada", reason="smoke")],
        time=laboratory.clock.now(),
        actor="ada",
        is_simulated=False,
    )
    with laboratory.followers[0], process:
        until(lambda: laboratory.followers[0].seq == 1)
        until(lambda: laboratory.book.take_lease("other", "x", lasts_s=1))
        laboratory.look(process)
        laboratory.clock.later_s += 1.0
        until(lambda: bool(server.taken))

    assert seqs_of(server) == [1]
    assert laboratory.book.take_lease("webhooks", "next", lasts_s=1)
