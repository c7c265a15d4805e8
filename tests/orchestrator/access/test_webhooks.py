"""Webhooks as they are kept: which addresses, whose lease, how far they were told."""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import apsw
import pytest

from drivers.clock import SystemClock
from orchestrator.access.hook_urls import checked_url, refuse_addresses
from orchestrator.access.kept_requests import Asked, fingerprint
from orchestrator.access.keys import KeyBook
from orchestrator.access.roles import Role
from orchestrator.access.store import LAYOUT
from orchestrator.access.webhooks import WebhookBook, is_signed, signature_of
from orchestrator.errors import RequestRefused


class LaterClock(SystemClock):
    """The wall clock, some seconds later."""

    later_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.later_s)


@pytest.fixture
def clock() -> LaterClock:
    return LaterClock()


@pytest.fixture
def book(tmp_path: Path, clock: LaterClock) -> WebhookBook:
    return WebhookBook(tmp_path / "lab.db.access", clock)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://lab.example/hook",
        "lab.example/hook",
        "http:///hook",
        "http://ada:secret@lab.example/",
        "http://ada@lab.example/",
        "http://lab.example:0/",
        "http://lab.example:99999/",
        "http://lab example/",
        "http://lab.example/\n",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://169.254.169.254/latest/meta-data",
        "http://100.100.100.200/latest/meta-data",
        "http://[fd00:ec2::254]/latest/meta-data",
        "http://168.63.129.16/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://[::1/",
        "x" * 3000,
    ],
)
def test_an_address_that_nobody_should_be_sent_to_is_refused(url: str) -> None:
    with pytest.raises(RequestRefused, match="url"):
        checked_url(url)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000/x", "http://10.0.0.5/", "https://lims.example/a?b=c", "http://[::1]/"],
)
def test_a_laboratorys_own_address_is_taken(url: str) -> None:
    assert checked_url(url) == url


def test_one_wrong_address_of_a_host_is_enough() -> None:
    refuse_addresses("lab", ["10.0.0.1", "fd00::1"])
    with pytest.raises(RequestRefused, match="link-local"):
        refuse_addresses("lab", ["10.0.0.1", "fe80::1%eth0"])


def test_a_signature_is_of_this_body_and_this_time() -> None:
    header = signature_of("key", 1000, b"body")

    assert is_signed("key", header, b"body", now_s=1299)
    assert not is_signed("key", header, b"body", now_s=1301)
    assert not is_signed("other", header, b"body", now_s=1000)
    assert not is_signed("key", header.replace("t=1000", "t=1001"), b"body", now_s=1000)
    assert not is_signed("key", "t=x,v1=\N{SNOWMAN}", b"body", now_s=1000)


def test_the_secret_is_shown_once(book: WebhookBook) -> None:
    hook, secret = book.add_webhook("http://127.0.0.1/", topics=["alarms"], by="Ada", told_seq=7)

    assert secret not in hook.model_dump_json()
    assert book.secret_of(hook.hook_id) == secret
    assert book.webhooks() == (hook,)
    assert (hook.told_seq, hook.topics, hook.is_off) == (7, ("alarms",), False)
    with pytest.raises(RequestRefused, match="topics"):
        book.add_webhook("http://127.0.0.1/", topics=["weather"], by="Ada", told_seq=7)


def test_a_webhook_is_switched_off_and_on_and_removed(book: WebhookBook) -> None:
    hook, _ = book.add_webhook("http://127.0.0.1/", topics=[], by="Ada", told_seq=7)
    book.note_sending(hook, 9)

    assert book.switch_webhook(hook.hook_id, is_off=True, by="test").is_off
    on = book.switch_webhook(hook.hook_id, is_off=False, by="test")
    assert (on.told_seq, on.sending_seq, on.is_off) == (7, 9, False)
    skipped = book.switch_webhook(hook.hook_id, is_off=False, skips_to=20, by="test")
    assert (skipped.told_seq, skipped.sending_seq) == (20, None)
    book.remove_webhook(hook.hook_id, by="test")

    assert book.webhooks() == ()
    for again in (partial(book.remove_webhook, by="test"), book.secret_of, book.webhook):
        with pytest.raises(RequestRefused, match="no webhook"):
            again(hook.hook_id)


def test_only_who_read_it_last_moves_a_webhook_on(book: WebhookBook) -> None:
    hook, _ = book.add_webhook("http://127.0.0.1/", topics=[], by="Ada", told_seq=0)

    assert book.note_sending(hook, 5)
    assert not book.note_sending(hook, 6)
    assert book.note_told(hook, 5)
    assert not book.note_told(hook, 6)
    assert book.note_failure(hook, "late", wait_s=1.0) is None
    assert book.webhook(hook.hook_id).told_seq == 5


def test_a_webhook_that_fails_for_three_days_is_switched_off(
    book: WebhookBook, clock: LaterClock
) -> None:
    hook, _ = book.add_webhook("http://127.0.0.1/", topics=[], by="Ada", told_seq=0)
    failed = book.note_failure(hook, "answered 500", wait_s=60.0)
    assert failed is not None
    assert (failed.n_failed, failed.is_off, failed.last_error) == (1, False, "answered 500")

    clock.later_s = 3 * 24 * 3600.0
    off = book.note_failure(failed, "answered 500", wait_s=60.0)

    assert off is not None
    assert off.is_off
    assert "switched off" in off.last_error
    on = book.switch_webhook(hook.hook_id, is_off=False, by="test")
    assert (on.n_failed, on.failed_since, on.last_error) == (0, None, "")


def test_a_lease_has_one_holder_until_it_ends(book: WebhookBook, clock: LaterClock) -> None:
    assert book.take_lease("webhooks", "a", lasts_s=30)
    assert book.take_lease("webhooks", "a", lasts_s=30)
    assert not book.take_lease("webhooks", "b", lasts_s=30)

    clock.later_s = 30.5
    assert book.take_lease("webhooks", "b", lasts_s=30)
    book.give_lease_up("webhooks", "a")
    assert not book.take_lease("webhooks", "a", lasts_s=30)
    book.give_lease_up("webhooks", "b")
    assert book.take_lease("webhooks", "a", lasts_s=30)


def asked(key: str = "key-00000001", name: str = "bob") -> Asked:
    return Asked(key, "Ada", fingerprint("add_account", {"name": name}))


def test_a_change_under_one_key_is_made_once(book: WebhookBook) -> None:
    def change() -> str:
        return book.add_account("bob", Role.VIEWER, by="Ada").name

    assert book.once(asked(), change) == ("bob", False)
    assert book.once(asked(), change) == ("bob", True)
    with pytest.raises(RequestRefused, match="another request"):
        book.once(asked(name="eve"), change)
    with pytest.raises(RequestRefused, match="already"):
        book.once(asked("key-00000002"), change)
    with pytest.raises(RequestRefused, match="idempotency key"):
        book.once(asked("short"), change)


def test_a_key_is_kept_with_what_it_changed_or_not_at_all(book: WebhookBook) -> None:
    def half() -> str:
        book.add_account("bob", Role.VIEWER, by="Ada")
        raise RequestRefused("no")

    with pytest.raises(RequestRefused, match="no"):
        book.once(asked(), half)

    assert book.accounts() == ()
    assert book.once(asked(), lambda: "nothing") == ("nothing", False)


def test_a_file_of_the_first_layout_is_brought_to_this_one(tmp_path: Path) -> None:
    path = tmp_path / "lab.db.access"
    KeyBook(path).add_account("Ada", Role.ADMIN, by="first")
    connection = apsw.Connection(str(path))
    connection.execute("DROP TABLE lease; DROP TABLE kept_request; DROP TABLE change")
    for column in ("sending_seq", "failed_since"):
        connection.execute(f"ALTER TABLE webhook DROP COLUMN {column}")
    connection.pragma("user_version", 1)
    connection.close()

    book = WebhookBook(path)

    assert [account.name for account in book.accounts()] == ["Ada"]
    assert book.take_lease("webhooks", "a", lasts_s=30)
    with apsw.Connection(str(path)) as again:
        assert again.pragma("user_version") == LAYOUT
