"""Changes of who may do what stand in the laboratory's log, each once, whatever happens."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from orchestrator.access.roles import Role, Scope
from orchestrator.access.webhooks import WebhookBook
from orchestrator.core.alarm_conditions import SignsOfLife, conditions
from orchestrator.core.events import LAB_STREAM, AccessChanged
from orchestrator.core.lab import fold_lab
from orchestrator.core.patience import Patience
from orchestrator.errors import LogUnavailable
from orchestrator.log.event_log import Record
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.access_trail import tell_changes
from orchestrator.service.lab import Lab
from tests.support.standing_clock import StandingClock

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@pytest.fixture
def book(tmp_path: Path) -> WebhookBook:
    return WebhookBook(tmp_path / "lab.db.access", StandingClock(NOW))


class KeptLog(MemoryLog):
    """A log that stays open when one who looks has gone."""

    @override
    def close(self) -> None:
        """Stay open: others look, too."""


class Log:
    """A log in memory that people open under their names."""

    def __init__(self) -> None:
        self.log = KeptLog()
        self.is_full = False

    def open(self, name: str, _acting: object) -> Lab:
        if self.is_full:
            raise LogUnavailable("database or disk is full")
        return Lab(self.log, actor=name, clock=StandingClock(NOW), source="memory")

    def told(self) -> list[Record]:
        return [one for one in self.log.read() if isinstance(one.event, AccessChanged)]


def test_every_kind_of_change_is_told_with_who_made_it_and_no_secret(book: WebhookBook) -> None:
    log = Log()
    book.add_account("ada", Role.ADMIN, by="root", password="correct horse battery")
    book.add_account("lims", Role.OPERATOR, by="ada")
    book.set_role("lims", Role.VIEWER, by="ada")
    book.set_password("ada", "another long password", by="ada")
    token = book.make_token("lims", label="reads", scopes=[Scope.READ], by="ada")
    book.revoke(token, by="ada")
    book.set_disabled("lims", is_disabled=True, by="ada")
    book.set_disabled("lims", is_disabled=False, by="ada")
    hook, secret = book.add_webhook(
        "https://lims.example/hidden-path", topics=["lab"], by="ada", told_seq=0
    )
    book.switch_webhook(hook.hook_id, is_off=True, by="ada")
    book.switch_webhook(hook.hook_id, is_off=False, by="ada")
    book.remove_webhook(hook.hook_id, by="ada")

    tell_changes(book, log.open)

    told = log.told()
    assert [one.event.what for one in told] == [
        "account made",
        "account made",
        "role changed",
        "password changed",
        "token made",
        "token revoked",
        "account shut out",
        "account let in again",
        "webhook added",
        "webhook switched off",
        "webhook switched on",
        "webhook removed",
    ]
    assert [one.actor for one in told] == ["root", *["ada"] * 11]
    assert {one.stream for one in told} == {LAB_STREAM}
    text = " ".join(one.event.about for one in told)
    assert "lims (from operator to viewer)" in text
    for hidden in (secret, token, token.rpartition("_")[2], "password", "hidden-path"):
        assert hidden not in text
    assert book.untold() == ()


def test_what_the_log_could_not_take_is_told_later_and_once(book: WebhookBook) -> None:
    log = Log()
    log.is_full = True
    book.add_account("ada", Role.ADMIN, by="root")
    with pytest.raises(LogUnavailable):
        tell_changes(book, log.open)
    assert book.account("ada").role is Role.ADMIN, "the change stands"

    log.is_full = False
    tell_changes(book, log.open)
    tell_changes(book, log.open)

    assert len(log.told()) == 1


def test_a_process_that_dies_between_telling_and_noting_tells_nothing_twice(
    book: WebhookBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    book.add_account("ada", Role.ADMIN, by="root")

    def die(_change_id: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(book, "note_change_told", die)
        with pytest.raises(KeyboardInterrupt):
            tell_changes(book, log.open)
    assert len(log.told()) == 1
    assert book.untold()

    tell_changes(book, log.open)
    book.add_account("bob", Role.VIEWER, by="ada")
    tell_changes(book, log.open)

    assert [one.event.about for one in log.told()] == ["ada (admin)", "bob (viewer)"]


def test_two_processes_tell_a_change_once(book: WebhookBook) -> None:
    log = Log()
    other = WebhookBook(book.path, StandingClock(NOW))
    for name in ("ada", "bob", "eve"):
        book.add_account(name, Role.ADMIN, by="root")

    def interleaved(name: str, acting: object) -> Lab:
        """Let the other process tell everything just before this one appends."""
        tell_changes(other, log.open)
        return log.open(name, acting)

    tell_changes(book, interleaved)

    assert [one.event.about for one in log.told()] == ["ada (admin)", "bob (admin)", "eve (admin)"]


def test_a_change_refused_is_not_told(book: WebhookBook) -> None:
    log = Log()
    book.add_account("ada", Role.ADMIN, by="root")
    tell_changes(book, log.open)

    with pytest.raises(Exception, match="last admin"):
        book.set_disabled("ada", is_disabled=True, by="ada")
    tell_changes(book, log.open)

    assert len(log.told()) == 1


def test_a_webhook_given_up_is_told_and_rings_until_an_admin_switches_it_on(
    book: WebhookBook,
) -> None:
    log = Log()
    hook, _secret = book.add_webhook("https://lims.example/x", topics=(), by="ada", told_seq=0)
    later = WebhookBook(book.path, StandingClock(NOW + timedelta(days=3)))

    def ringing() -> list[str]:
        tell_changes(book, log.open)
        lab = fold_lab((one.event, one.time) for one in log.told())
        return [one.alarm for one in conditions(lab, (), SignsOfLife(), NOW, Patience())]

    failed = book.note_failure(hook, "refused", wait_s=60.0)
    assert failed is not None
    assert ringing() == []
    given_up = later.note_failure(failed, "refused", wait_s=60.0)
    assert given_up is not None
    assert given_up.is_off
    assert ringing() == [f"webhook/{hook.hook_id}"]
    assert log.told()[-1].event.about == f"{hook.hook_id} (lims.example)"

    book.switch_webhook(hook.hook_id, is_off=False, by="ada")
    assert ringing() == []
