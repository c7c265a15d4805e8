"""What is left to a thief when the owner has noticed."""

from datetime import datetime, timedelta
from pathlib import Path

import apsw
import pytest

from drivers.clock import SystemClock
from orchestrator.access.keys import SESSION_LONGEST_H, KeyBook
from orchestrator.access.roles import Role, Scope
from orchestrator.access.store import access_path


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
    made.add_account("Ada", Role.ADMIN, by="first")
    return made


def test_who_signed_in_with_a_stolen_token_is_signed_out_when_it_is_revoked(book: KeyBook) -> None:
    book.make_token("ada", label="first run", scopes=list(Scope), by="ada")
    (token,) = book.tokens()
    stolen = book.begin_session("Ada")

    revoked = book.revoke(token.token_id, by="test")

    assert revoked.is_revoked
    assert book.session(stolen) is None


def test_a_token_that_nobody_signs_in_with_ends_no_session(book: KeyBook) -> None:
    book.make_token("ada", label="LIMS", scopes=[Scope.READ, Scope.RESULTS], by="ada")
    (token,) = book.tokens()
    mine = book.begin_session("Ada")

    book.revoke(token.token_id, by="test")

    assert book.session(mine) is not None


def test_sessions_that_are_over_do_not_pile_up(book: KeyBook, clock: LaterClock) -> None:
    for _ in range(3):
        book.begin_session("Ada")
    clock.hours += SESSION_LONGEST_H + 1
    book.begin_session("Ada")

    connection = apsw.Connection(str(book.path), flags=apsw.SQLITE_OPEN_READONLY)
    assert connection.execute("SELECT count(*) FROM session").get == 1
    connection.close()
