"""Accounts under several processes, wrong clocks and full disks."""

import logging
import os
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from orchestrator.access.kept_requests import Asked, fingerprint
from orchestrator.access.keys import SESSION_IDLE_H, SESSION_LONGEST_H, KeyBook
from orchestrator.access.roles import Role, Scope
from orchestrator.access.webhooks import WebhookBook
from orchestrator.errors import LogError
from tests.support.access_processes import add_and_use_tokens, demote
from tests.support.full_disk import files_at_most

GOOD = "seven grams of copper"
N_PROCESSES = 3


class SetClock(SystemClock):
    """The wall clock, set forward or back by some hours."""

    hours = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(hours=self.hours)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def book(tmp_path: Path, clock: SetClock) -> KeyBook:
    made = KeyBook(tmp_path / "lab.db.access", clock)
    made.add_account("Ada", Role.ADMIN, by="first", password=GOOD)
    return made


# Several processes


@pytest.mark.slow
def test_processes_that_make_and_use_tokens_at_once_lose_none(tmp_path: Path) -> None:
    context, path = get_context("forkserver"), tmp_path / "lab.db.access"
    gate, n_tokens = context.Barrier(N_PROCESSES), 10
    pipes = [context.Pipe(duplex=False) for _ in range(N_PROCESSES)]
    running = [
        context.Process(
            target=add_and_use_tokens, args=(path, f"person{i}", n_tokens, gate, theirs)
        )
        for i, (_, theirs) in enumerate(pipes)
    ]
    for process in running:
        process.start()
    said = [ours.recv() for ours, _ in pipes]
    for process in running:
        process.join(60)

    assert [process.exitcode for process in running] == [0] * N_PROCESSES
    assert sorted(is_ours for is_ours, _ in said) == [False] * (N_PROCESSES - 1) + [True]
    book = KeyBook(path)
    assert len(book.tokens()) == N_PROCESSES * n_tokens
    assert len(book.accounts()) == N_PROCESSES + 1
    for i, (_, tokens) in enumerate(said):
        principals = [book.principal_of(token) for token in tokens]
        assert {one.name for one in principals if one is not None} == {f"person{i}"}


@pytest.mark.slow
def test_of_two_last_admins_that_are_demoted_at_once_one_stays(tmp_path: Path) -> None:
    context, path = get_context("forkserver"), tmp_path / "lab.db.access"
    book = KeyBook(path)
    for name in ("ada", "bob"):
        book.add_account(name, Role.ADMIN, by="first")
    gate = context.Barrier(2)
    pipes = [context.Pipe(duplex=False) for _ in range(2)]
    running = [
        context.Process(target=demote, args=(path, name, gate, theirs))
        for name, (_, theirs) in zip(("ada", "bob"), pipes, strict=True)
    ]
    for process in running:
        process.start()
    said = sorted(ours.recv() for ours, _ in pipes)
    for process in running:
        process.join(60)

    assert said == [False, True]
    assert sum(one.role is Role.ADMIN for one in book.accounts()) == 1


# The file


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_nothing_beside_the_file_is_open_to_others_either(tmp_path: Path) -> None:
    book = KeyBook(tmp_path / "lab.db.access")

    with book._write() as connection:
        connection.execute("PRAGMA cache_spill = 1")
        connection.execute("PRAGMA cache_size = 1")
        for number in range(500):
            connection.execute(
                "INSERT INTO account (name, role, made_time, made_by) VALUES (?, 'viewer', ?, ?)",
                (f"person{number}", "2026-01-01T00:00:00+00:00", "x" * 200),
            )
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}

    assert modes == {"lab.db.access": 0o600, "lab.db.access-journal": 0o600}
    assert [path.name for path in tmp_path.iterdir()] == ["lab.db.access"]


def test_a_file_that_was_open_to_others_is_closed_and_said(
    book: KeyBook, caplog: pytest.LogCaptureFixture
) -> None:
    book.path.chmod(0o644)

    with caplog.at_level(logging.WARNING):
        KeyBook(book.path)

    assert stat.S_IMODE(book.path.stat().st_mode) == 0o600
    assert "was open to others (mode 644)" in caplog.text


def test_looking_writes_nothing(book: KeyBook) -> None:
    token = book.make_token("Ada", label="script", scopes=[Scope.READ], by="Ada")
    secret = book.begin_session("Ada")
    book.principal_of(token)
    before = book.path.stat().st_mtime_ns

    assert book.principal_of(token) is not None
    assert book.session(secret) is not None
    assert book.accounts()

    assert book.path.stat().st_mtime_ns == before


def test_a_file_that_is_gone_is_not_made_again_by_looking(book: KeyBook) -> None:
    book.path.unlink()

    with pytest.raises(LogError):
        book.accounts()

    assert not book.path.exists()


def test_on_a_full_disk_keys_are_still_known(book: KeyBook, clock: SetClock) -> None:
    token = book.make_token("Ada", label="script", scopes=[Scope.CONTROL], by="Ada")
    secret = book.begin_session("Ada")
    clock.hours = 1.0

    with files_at_most(0):
        who, session = book.principal_of(token), book.session(secret)
        with pytest.raises(LogError):
            book.add_account("bob", Role.VIEWER, by="Ada")

    assert (who is not None, session is not None) == (True, True)
    assert [one.name for one in book.accounts()] == ["Ada"]


# Clocks that are set back


def test_a_clock_that_is_set_back_makes_no_session_last_longer(
    book: KeyBook, clock: SetClock
) -> None:
    clock.hours = 24.0 * 365
    from_later = book.begin_session("Ada")
    assert book.session(from_later) is not None

    clock.hours = 0.0

    assert book.session(from_later) is None
    clock.hours = 24.0 * 365
    assert book.session(from_later) is None


def test_a_clock_that_is_set_right_by_minutes_signs_nobody_out(
    book: KeyBook, clock: SetClock
) -> None:
    secret = book.begin_session("Ada")

    clock.hours = -0.5
    session = book.session(secret)

    assert session is not None
    seen = book.session(secret)
    assert seen is not None
    assert seen.seen_time < session.seen_time, "what was seen later than now is put right"
    clock.hours = -0.5 + SESSION_IDLE_H + 0.1
    assert book.session(secret) is None


def test_a_token_is_over_at_its_time_whatever_the_clock_did_between(
    book: KeyBook, clock: SetClock
) -> None:
    token = book.make_token("Ada", label="a", scopes=[Scope.READ], by="Ada", lasts_days=1.0)
    clock.hours = -48.0
    assert book.principal_of(token) is not None
    (kept,) = book.tokens()
    assert kept.last_used_time is not None
    assert kept.last_used_time < kept.made_time

    clock.hours = 24.1

    assert book.principal_of(token) is None


@pytest.mark.parametrize("hours", [0.0, SESSION_LONGEST_H])
def test_a_key_kept_under_a_clock_set_back_is_still_known(tmp_path: Path, hours: float) -> None:
    clock = SetClock()
    clock.hours = hours
    book = WebhookBook(tmp_path / "lab.db.access", clock)
    asked = Asked("key-00001", "Ada", fingerprint("account", {"name": "bob"}))

    def change() -> str:
        return book.add_account("bob", Role.VIEWER, by="Ada").name

    assert book.once(asked, change) == ("bob", False)
    clock.hours = -1000.0

    assert book.once(asked, change) == ("bob", True)
