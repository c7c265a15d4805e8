"""The pages of accounts: one's own, and everybody's for who administers them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Response

from orchestrator.access.roles import Role
from orchestrator.access.webhooks import WebhookBook
from orchestrator.dashboard.rendering import new_key
from tests.support.dashboard import Browser, dashboard_of

GOOD = "seven grams of copper"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with dashboard_of(tmp_path, role=Role.ADMIN) as found:
        yield found


def post(browser: Browser, address: str, *, key: str = "", **fields: object) -> Response:
    said = {"csrf": browser.csrf, "key": key or new_key(), **fields}
    return browser.post(address, data=said, follow_redirects=False)


def book(browser: Browser) -> WebhookBook:
    return WebhookBook(browser.parts.keys.path)


def test_an_account_is_made_changed_and_shut_out(browser: Browser) -> None:
    assert (
        post(browser, "/admin/accounts", name="bob", role="viewer", password=GOOD).status_code
        == 303
    )
    assert book(browser).sign_in("bob", GOOD) is not None
    post(browser, "/admin/accounts/bob", what="operator")
    assert book(browser).account("bob").role is Role.OPERATOR
    post(browser, "/admin/accounts/bob", what="password", password=GOOD + " more")
    assert book(browser).sign_in("bob", GOOD) is None
    post(browser, "/admin/accounts/bob", what="shut")
    assert book(browser).account("bob").is_disabled
    assert "shut out" in browser.get("/admin").text
    post(browser, "/admin/accounts/bob", what="open")
    assert not book(browser).account("bob").is_disabled


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("/admin/accounts", {"name": "engine", "role": "viewer"}),
        ("/admin/accounts", {"name": "bob", "role": "king"}),
        ("/admin/accounts", {"name": "bob", "role": "viewer", "password": "short"}),
        ("/admin/accounts/ada", {"what": "viewer"}),
        ("/admin/accounts/ada", {"what": "shut"}),
        ("/admin/accounts/ada", {"what": "password"}),
        ("/admin/accounts/nobody", {"what": "open"}),
        ("/admin/tokens", {"account": "ada", "label": "x"}),
        ("/admin/tokens", {"account": "ada", "label": "x", "scopes": "all"}),
        ("/admin/tokens", {"account": "ada", "label": "x", "scopes": "read", "lasts_days": "-1"}),
        ("/admin/webhooks", {"url": "ftp://lims.example"}),
        ("/admin/webhooks", {"url": "http://169.254.1.1/"}),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(
    browser: Browser, address: str, fields: dict[str, str]
) -> None:
    before = (book(browser).accounts(), book(browser).tokens(), book(browser).webhooks())

    answer = post(browser, address, **fields)

    assert answer.status_code in (404, 409, 422)
    assert (book(browser).accounts(), book(browser).tokens(), book(browser).webhooks()) == before


def test_a_secret_is_shown_once(browser: Browser) -> None:
    key = new_key()
    fields = {"account": "ada", "label": "LIMS <1>", "scopes": ["read", "results"]}
    first = post(browser, "/admin/tokens", key=key, **fields)
    again = post(browser, "/admin/tokens", key=key, **fields)

    (kept,) = [one for one in book(browser).tokens() if one.label == "LIMS <1>"]
    assert f"ath_{kept.token_id}_" in first.text
    assert f"ath_{kept.token_id}_" not in again.text
    assert "LIMS &lt;1&gt;" in browser.get("/admin").text

    post(browser, f"/admin/tokens/{kept.token_id}", what="revoke")
    assert "revoked" in browser.get("/admin").text


def test_a_webhook_is_added_switched_and_removed(browser: Browser) -> None:
    added = post(browser, "/admin/webhooks", url="https://lims.example/in", topics=["alarms"])
    (hook,) = book(browser).webhooks()
    assert "Athanor-Signature" in added.text
    assert hook.topics == ("alarms",)

    post(browser, f"/admin/webhooks/{hook.hook_id}", what="off")
    assert book(browser).webhook(hook.hook_id).is_off
    post(browser, f"/admin/webhooks/{hook.hook_id}", what="on_from_now")
    assert not book(browser).webhook(hook.hook_id).is_off
    post(browser, f"/admin/webhooks/{hook.hook_id}", what="remove")
    assert book(browser).webhooks() == ()


def test_ones_own_page_shows_ones_own_tokens(browser: Browser) -> None:
    post(browser, "/admin/accounts", name="bob", role="viewer")
    for account in ("ada", "bob"):
        post(browser, "/admin/tokens", account=account, label=f"of {account}", scopes="read")

    text = browser.get("/account").text

    assert "of ada" in text
    assert "of bob" not in text


def test_a_password_is_changed_with_the_old_one(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, role=Role.VIEWER) as browser:
        keys = browser.parts.keys
        keys.set_password("ada", GOOD, by="test")
    with dashboard_of(tmp_path, role=Role.VIEWER) as browser:
        fields = {"password": GOOD + " more", "again": GOOD + " more"}
        wrong = post(browser, "/password", old="no", **fields)
        right = post(browser, "/password", old=GOOD, **fields)
        gone = browser.get("/account", follow_redirects=False)

    assert wrong.status_code == 409
    assert right.status_code == 303
    assert gone.headers["location"].startswith("/login")
