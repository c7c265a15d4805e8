"""Accounts, sessions and tokens, in a real file."""

import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from orchestrator.access.keys import SESSION_IDLE_H, SESSION_LONGEST_H, KeyBook
from orchestrator.access.roles import Role, Scope
from orchestrator.access.store import access_path
from orchestrator.errors import LogError, RequestRefused

GOOD = "seven grams of copper"


class LaterClock(SystemClock):
    """The wall clock, some hours later."""

    hours = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(hours=self.hours)


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture
def book(tmp_path: Path, clock: LaterClock) -> KeyBook:
    made = KeyBook(access_path(tmp_path / "lab.db"), clock)
    made.add_account("Ada", Role.ADMIN, by="first", password=GOOD)
    return made


def pass_hours(clock: LaterClock, hours: float) -> None:
    clock.hours += hours


def test_the_file_is_readable_for_its_owner_alone(book: KeyBook) -> None:
    assert stat.S_IMODE(book.path.stat().st_mode) == 0o600


def test_nobody_signs_in_with_a_wrong_name_or_password(book: KeyBook) -> None:
    assert book.sign_in("Ada", GOOD + "!") is None
    assert book.sign_in("Bob", GOOD) is None


def test_somebody_who_signed_in_is_known_until_they_sign_out(book: KeyBook) -> None:
    secret = book.sign_in("ada", GOOD)
    assert secret is not None
    session = book.session(secret)
    assert session is not None
    assert (session.account, session.role) == ("Ada", Role.ADMIN)
    assert secret.encode() not in book.path.read_bytes()

    book.sign_out(secret)

    assert book.session(secret) is None


def test_a_session_ends_when_nobody_uses_it_and_after_a_week(
    book: KeyBook, clock: LaterClock
) -> None:
    idle = book.begin_session("Ada")
    used = book.begin_session("Ada")
    for _ in range(int(SESSION_LONGEST_H / SESSION_IDLE_H) + 1):
        assert book.session(used) is not None
        pass_hours(clock, SESSION_IDLE_H - 0.1)
    pass_hours(clock, 2.0)

    assert book.session(idle) is None
    assert book.session(used) is None


def test_a_new_password_and_a_shut_account_end_sessions(book: KeyBook) -> None:
    book.add_account("bob", Role.OPERATOR, by="Ada", password=GOOD)
    first, second = book.begin_session("Ada"), book.begin_session("bob")
    token = book.make_token("bob", label="lims", scopes=[Scope.READ], by="Ada")

    book.set_password("Ada", GOOD + " more", by="test")
    book.set_disabled("bob", is_disabled=True, by="test")

    assert book.session(first) is None
    assert book.session(second) is None
    assert book.principal_of(token) is None
    assert book.sign_in("bob", GOOD) is None


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "Adalbertine12", "x" * 300])
def test_a_weak_password_is_refused(book: KeyBook, password: str) -> None:
    with pytest.raises(RequestRefused, match="password"):
        book.add_account("Adalbertine12", Role.VIEWER, by="Ada", password=password)


@pytest.mark.parametrize("name", ["", "engine", "Watchdog", "a b", "1a", "x" * 65, "a\n"])
def test_a_name_that_is_nobodys_is_refused(book: KeyBook, name: str) -> None:
    with pytest.raises(RequestRefused, match="account"):
        book.add_account(name, Role.VIEWER, by="Ada")


def test_a_name_is_taken_in_whatever_letters(book: KeyBook) -> None:
    with pytest.raises(RequestRefused, match="already"):
        book.add_account("ADA", Role.VIEWER, by="Ada")


def test_the_last_admin_stays(book: KeyBook) -> None:
    with pytest.raises(RequestRefused, match="last admin"):
        book.set_role("Ada", Role.VIEWER, by="test")
    with pytest.raises(RequestRefused, match="last admin"):
        book.set_disabled("ada", is_disabled=True, by="test")

    assert book.account("Ada").role is Role.ADMIN
    assert not book.account("Ada").is_disabled


def test_a_token_may_do_its_scopes_and_no_more_than_its_account(
    book: KeyBook, clock: LaterClock
) -> None:
    book.add_account("lims", Role.OPERATOR, by="Ada")
    token = book.make_token(
        "lims", label="results", scopes=[Scope.READ, Scope.RESULTS], by="Ada", lasts_days=30
    )
    who = book.principal_of(token)
    assert who is not None
    assert (who.name, who.may(Scope.RESULTS), who.may(Scope.CONTROL)) == ("lims", True, False)

    book.set_role("lims", Role.VIEWER, by="test")
    demoted = book.principal_of(token)
    assert demoted is not None
    assert not demoted.may(Scope.RESULTS)

    pass_hours(clock, 30 * 24.0)
    assert book.principal_of(token) is None


def test_a_token_cannot_be_given_more_than_its_account_may(book: KeyBook) -> None:
    book.add_account("wall", Role.VIEWER, by="Ada")

    with pytest.raises(RequestRefused, match="control"):
        book.make_token("wall", label="wall", scopes=[Scope.READ, Scope.CONTROL], by="Ada")


def test_a_revoked_or_changed_token_is_worthless(book: KeyBook) -> None:
    token = book.make_token("Ada", label="script", scopes=[Scope.READ], by="Ada")
    (kept,) = book.tokens()

    assert book.principal_of(token[:-1] + ("a" if token[-1] != "a" else "b")) is None
    assert book.principal_of("") is None
    assert book.revoke(kept.token_id, by="test").is_revoked
    assert book.principal_of(token) is None


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lab.db.access"
    path.write_text("not a database at all, by far")

    with pytest.raises(LogError):
        KeyBook(path)
