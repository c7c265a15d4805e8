"""What guessing costs, what is told of secrets (nothing), and whatever somebody sends."""

import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.access import keys, secrets
from orchestrator.access.book import AccountBook
from orchestrator.access.keys import KeyBook
from orchestrator.access.roles import ROLE_SCOPES, Principal, Role, Scope
from orchestrator.access.secrets import (
    digest_of,
    drawn_secret,
    hash_password,
    is_password,
    made_token,
    token_parts,
)
from orchestrator.access.webhooks import WebhookBook
from orchestrator.errors import LogError, LogUnavailable, RequestRefused
from orchestrator.service.decisions import is_person
from tests.support.full_disk import files_at_most

GOOD = "seven grams of copper"


class CountingHasher:
    """Hashes and compares as the real one does, and counts how often."""

    def __init__(self) -> None:
        self._real = secrets._HASHER
        self.n_verified = 0
        self.n_hashed = 0

    def verify(self, kept: str, password: bytes) -> bool:
        self.n_verified += 1
        return self._real.verify(kept, password)

    def hash(self, password: bytes) -> str:
        self.n_hashed += 1
        return self._real.hash(password)


@pytest.fixture
def book(tmp_path: Path) -> KeyBook:
    made = KeyBook(tmp_path / "lab.db.access")
    made.add_account("Ada", Role.ADMIN, by="first", password=GOOD)
    return made


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> CountingHasher:
    counting = CountingHasher()
    monkeypatch.setattr(secrets, "_HASHER", counting)
    return counting


# What it costs to guess


@pytest.mark.slow
def test_an_unknown_name_costs_a_hash_as_well(book: KeyBook, hasher: CountingHasher) -> None:
    book.add_account("robot", Role.VIEWER, by="Ada")
    book.add_account("bob", Role.VIEWER, by="Ada", password=GOOD)
    book.set_disabled("bob", is_disabled=True, by="test")
    costs = {}
    for name in ("Ada", "nobody", "robot", "bob", "", "x" * 1000, "A\x00da"):
        before = hasher.n_verified
        assert book.sign_in(name, GOOD + "?") is None
        costs[name] = hasher.n_verified - before

    assert set(costs.values()) == {1}


@pytest.mark.slow
def test_nobody_stays_signed_in_with_a_password_that_was_changed_meanwhile(
    book: KeyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_check(kept: str | None, password: str) -> bool:
        is_right = is_password(kept, password)
        book.set_password("Ada", GOOD + " and more", by="test")
        return is_right

    monkeypatch.setattr(keys, "is_password", slow_check)

    assert book.sign_in("Ada", GOOD) is None


@pytest.mark.slow
def test_sessions_end_with_a_password_however_the_name_was_written(book: KeyBook) -> None:
    secret = book.begin_session("ADA")

    book.set_password("ada", GOOD + " more", by="test")

    assert book.session(secret) is None
    assert book.sign_in("aDa", GOOD + " more") is not None


# Nothing is told


def leaks(text: str, *hidden: str) -> list[str]:
    return [one for one in hidden if one in text]


@pytest.mark.slow
def test_no_secret_is_in_what_is_shown_written_or_raised(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    book = WebhookBook(tmp_path / "lab.db.access")
    book.add_account("Ada", Role.ADMIN, by="first", password=GOOD)
    token = book.make_token("Ada", label="script", scopes=[Scope.READ], by="Ada")
    secret = book.begin_session("Ada")
    session = book.session(secret)
    assert session is not None
    drawn = made_token()
    hidden = (GOOD, token, token.rsplit("_", 1)[1], secret, session.csrf, drawn.text)
    asks: list[Callable[[], object]] = [
        lambda: book.add_account("Ada", Role.VIEWER, by="x", password=GOOD),
        lambda: book.add_account(GOOD.replace(" ", "_"), Role.VIEWER, by="x", password="short"),
        lambda: book.set_password("nobody", GOOD, by="test"),
        lambda: book.make_token("Ada", label="", scopes=[Scope.READ], by=token),
        lambda: hash_password(GOOD, GOOD),
        lambda: book.revoke(drawn.text, by="test"),
    ]
    told = []
    for ask in asks:
        with pytest.raises(RequestRefused) as refused:
            ask()
        told += [str(refused.value), repr(refused.value)]
        told += ["".join(traceback.format_exception_only(refused.value))]
    shown = [book, session, drawn, *book.accounts(), *book.tokens(), *book.webhooks()]
    who = book.principal_of(token)

    assert book.revoke(token, by="test").is_revoked

    for thing in (*shown, who):
        assert not leaks(f"{thing!r} {thing}", *hidden)
    assert not leaks(" ".join(told), *hidden)
    assert not leaks(caplog.text, *hidden)
    assert session.csrf in session.model_dump_json(), "forms need it"


def test_a_disk_that_fails_says_no_secret(tmp_path: Path) -> None:
    book = KeyBook(tmp_path / "lab.db.access")
    book.add_account("Ada", Role.ADMIN, by="first", password=GOOD)

    with files_at_most(0), pytest.raises(LogError) as failed:
        book.set_password("Ada", GOOD + " and more", by="test")

    said = "".join(traceback.format_exception(failed.value))
    assert not leaks(said, GOOD)


@pytest.mark.parametrize("error", [LogUnavailable("full"), LogError("readonly database")])
def test_where_the_last_use_cannot_be_kept_a_key_is_good_all_the_same(
    tmp_path: Path, error: LogError, caplog: pytest.LogCaptureFixture
) -> None:
    class Stuck(KeyBook):
        is_stuck = False

        def _write(self):
            if self.is_stuck:
                raise error
            return super()._write()

    book = Stuck(tmp_path / "lab.db.access")
    book.add_account("Ada", Role.ADMIN, by="first")
    token = book.make_token("Ada", label="script", scopes=[Scope.CONTROL], by="Ada")
    book.is_stuck = True

    assert book.principal_of(token) is not None
    assert not leaks(caplog.text, token)


# Whatever somebody sends

ANY_TEXT = st.text(st.characters(), max_size=80)


@given(text=ANY_TEXT)
@example("ath_")
@example("ath__")
@example("ath_\ud800_\udfff")
@example("ath_a_b_c")
@example("ATH_a_b")
def test_a_token_is_one_of_ours_or_nothing(text: str) -> None:
    parts = token_parts(text)

    if parts is None:
        prefix, *rest = text.split("_", 2)
        assert (
            prefix != "ath"
            or len(rest) < 2
            or not (rest[0].isalnum() and rest[1])
            or (not rest[0].isascii())
        )
        return
    token_id, digest = parts
    secret = text.removeprefix(f"ath_{token_id}_")
    assert text == f"ath_{token_id}_{secret}"
    assert token_id
    assert secret
    assert "_" not in token_id
    assert digest == digest_of(secret)
    assert secret not in digest or len(secret) < 10


def test_a_token_that_was_made_has_its_parts() -> None:
    made = made_token()

    assert token_parts(made.text) == (made.token_id, made.digest)
    assert made.text.isascii()
    assert made.text not in repr(made)
    assert len({drawn_secret() for _ in range(20)}) == 20


@pytest.mark.slow
def test_strange_keys_are_worthless_and_harm_nothing(book: KeyBook) -> None:
    for text in (
        "",
        "ath",
        "ath_x_y",
        "ath_\ud800_\udfff",
        "\x00",
        "ath_' OR 1=1 --_x",
        "ö" * 9999,
    ):
        assert book.principal_of(text) is None
        assert book.session(text) is None
        assert book.sign_in("Ada", text) is None


@pytest.mark.slow
@given(name=ANY_TEXT)
@example("ada\u0130")
@example("ſtation")
@example("K")
@example("Ada\u200b")
def test_a_name_is_plain_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    path = tmp_path_factory.getbasetemp() / "names.access"
    book = AccountBook(path)

    try:
        made = book.add_account(name, Role.VIEWER, by="test")
    except RequestRefused:
        return

    assert made.name == name
    assert name.isascii()
    assert name.isprintable()
    assert name[0].isalpha()
    assert len(name) <= 64
    assert is_person(name)


@pytest.mark.slow
@given(name=st.from_regex(r"[A-Za-z][A-Za-z0-9._@-]{0,63}", fullmatch=True))
def test_a_plain_name_is_found_in_whatever_letters(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    book = AccountBook(tmp_path_factory.mktemp("names") / "lab.db.access")
    if name.lower() in {"engine", "station", "watchdog", "root", "alarms", "supervisor", "server"}:
        return
    book.add_account(name, Role.VIEWER, by="test")

    assert book.account(name.upper()).name == name
    with pytest.raises(RequestRefused, match="already"):
        book.add_account(name.swapcase(), Role.VIEWER, by="test")


@pytest.mark.parametrize(
    "name", ["alarms", "Alarms", "SUPERVISOR", "engine", "station", "dashboard"]
)
def test_nobody_is_called_like_a_process_of_ours(book: KeyBook, name: str) -> None:
    """What such a name does in the log would make nobody's page old."""
    with pytest.raises(RequestRefused, match="own processes"):
        book.add_account(name, Role.VIEWER, by="Ada")


@given(role=st.sampled_from(Role), only=st.none() | st.sets(st.sampled_from(Scope)))
def test_nobody_may_do_more_than_their_role(role: Role, only: set[Scope] | None) -> None:
    who = Principal.of_role("ada", role, "token", only)

    assert who.scopes <= ROLE_SCOPES[role]
    assert only is None or who.scopes <= only
    assert all(who.may(scope) == (scope in who.scopes) for scope in Scope)
