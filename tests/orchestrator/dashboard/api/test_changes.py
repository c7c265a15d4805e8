"""Accounts, tokens and webhooks: changed once, by whom it is allowed; secrets shown once."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from httpx2 import Response

from orchestrator.access.roles import Role, Scope
from orchestrator.dashboard.rendering import new_key
from tests.support.api_calls import get, post, write
from tests.support.dashboard import Browser, dashboard_of
from tests.support.hook_server import hook_server
from tests.support.recorded_campaign import record_campaign

pytestmark = pytest.mark.slow

GOOD = "seven grams of copper"


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Browser]:
    with dashboard_of(tmp_path, record_campaign, role=Role.ADMIN) as browser:
        yield browser


def test_an_account_is_made_changed_and_shut_out(admin: Browser) -> None:
    made = post(admin, "/accounts", {"name": "bob", "role": "viewer", "password": GOOD})
    assert (made.status_code, made.json()["account"]["has_password"]) == (201, True)
    changed = post(admin, "/accounts/bob", {"role": "operator"})
    assert changed.json()["account"]["role"] == "operator"
    shut = write(admin, "DELETE", "/accounts/bob")

    assert shut.json()["account"]["is_disabled"]
    assert [one["name"] for one in get(admin, "/accounts")] == ["ada", "bob"]
    assert post(admin, "/accounts/eve", {"role": "viewer"}).status_code == 404
    assert write(admin, "DELETE", "/accounts/ada").status_code == 409
    assert post(admin, "/accounts", {"name": "c", "role": "king"}).status_code == 422


def test_a_request_under_one_key_is_done_once_and_its_secret_shown_once(admin: Browser) -> None:
    wanted = {"account": "ada", "label": "lims", "scopes": ["read"]}
    first = post(admin, "/tokens", wanted, key="one-key-1").json()
    again = post(admin, "/tokens", wanted, key="one-key-1").json()

    assert first["secret"].startswith("ath_")
    assert (again["secret"], again["was_done_before"]) == (None, True)
    assert again["token"]["token_id"] == first["token"]["token_id"]
    assert len(get(admin, "/tokens")) == 1
    other = post(admin, "/tokens", {**wanted, "label": "other"}, key="one-key-1")
    assert other.status_code == 409
    assert first["secret"].encode() not in admin.parts.keys.path.read_bytes()

    token_id = first["token"]["token_id"]
    revoked = write(admin, "DELETE", f"/tokens/{token_id}", key="two-key-2")
    assert revoked.json()["token"]["is_revoked"]
    assert write(admin, "DELETE", f"/tokens/{token_id}", key="two-key-2").json()["was_done_before"]
    assert write(admin, "DELETE", "/tokens/none").status_code == 404


def test_a_token_for_more_than_its_account_may_is_refused(admin: Browser) -> None:
    post(admin, "/accounts", {"name": "wall", "role": "viewer"})

    answer = post(admin, "/tokens", {"account": "wall", "label": "x", "scopes": ["control"]})

    assert answer.status_code == 409
    assert "control" in answer.json()["detail"]


def test_a_person_changes_their_own_password(admin: Browser) -> None:
    keys = admin.parts.keys
    keys.set_password("ada", GOOD, by="test")
    secret = keys.sign_in("ada", GOOD)
    session = keys.session(secret or "")
    assert secret is not None
    assert session is not None
    admin.cookies.set("athanor", secret)
    admin.csrf = session.csrf

    assert post(admin, "/me/password", {"old": "wrong", "new": GOOD + "!"}).status_code == 409
    assert post(admin, "/me/password", {"old": GOOD, "new": "short"}).status_code == 409
    done = post(admin, "/me/password", {"old": GOOD, "new": GOOD + "!"})

    assert done.status_code == 200
    assert keys.sign_in("ada", GOOD) is None
    assert keys.sign_in("ada", GOOD + "!") is not None
    assert admin.get("/api/v1/me").status_code == 401


def test_a_token_that_may_little_changes_no_password(admin: Browser) -> None:
    keys = admin.parts.keys
    token = keys.make_token("ada", label="wall", scopes=[Scope.READ], by="test")
    admin.cookies.clear()
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": new_key()}

    answer = admin.post("/api/v1/me/password", json={"new": GOOD}, headers=headers)
    form = {"password": GOOD, "again": GOOD}
    by_form = admin.post("/password", data=form, headers=headers)

    assert answer.status_code == 403
    assert by_form.status_code == 403
    assert not keys.account("ada").has_password


def test_a_webhook_is_added_switched_and_removed(admin: Browser) -> None:
    with hook_server() as server:
        wanted = {"url": server.url, "topics": ["lab"]}
        last = admin.parts.live.refresh()
        made = post(admin, "/webhooks", wanted).json()
        hook_id = made["webhook"]["hook_id"]
        assert made["secret"]
        assert made["secret"] not in json.dumps(get(admin, "/webhooks"))
        assert made["webhook"]["told_seq"] == last
        off = post(admin, f"/webhooks/{hook_id}", {"is_off": True}).json()
        assert off["webhook"]["is_off"]
        admin.act("emergency_stop", reason="smoke")
        last = admin.parts.live.refresh()
        on = post(admin, f"/webhooks/{hook_id}", {"is_off": False, "skips_missed": True}).json()
        assert on["webhook"]["told_seq"] == last

    assert write(admin, "DELETE", f"/webhooks/{hook_id}").status_code == 200
    assert write(admin, "DELETE", f"/webhooks/{hook_id}").status_code == 404
    assert post(admin, f"/webhooks/{hook_id}", {"is_off": True}).status_code == 404
    for bad in (
        {"url": "http://169.254.169.254/"},
        {"url": "http://lab/", "after_seq": 10**6},
    ):
        assert post(admin, "/webhooks", bad).status_code == 409


def test_the_running_application_tells_webhooks(admin: Browser) -> None:
    from threading import Event

    with hook_server() as server:
        post(admin, "/webhooks", {"url": server.url, "after_seq": 0})
        for _ in range(600):
            if server.taken and server.taken[-1].json["until_seq"] >= 134:
                break
            Event().wait(0.02)

    told = [seq for taken in server.taken for seq in taken.seqs]
    assert told == list(range(1, len(told) + 1))
    assert len(told) >= 134


WRITES: dict[str, tuple[str, object]] = {
    "POST /accounts": ("/accounts", {"name": "eve", "role": "admin"}),
    "POST /accounts/ada": ("/accounts/ada", {"role": "viewer"}),
    "DELETE /accounts/ada": ("/accounts/ada", None),
    "POST /tokens": ("/tokens", {"account": "ada", "label": "x", "scopes": ["read"]}),
    "DELETE /tokens/x": ("/tokens/x", None),
    "POST /webhooks": ("/webhooks", {"url": "http://127.0.0.1:9/"}),
    "POST /webhooks/x": ("/webhooks/x", {"is_off": True}),
    "DELETE /webhooks/x": ("/webhooks/x", None),
}


@pytest.mark.parametrize("name", WRITES)
def test_who_does_not_administer_changes_nothing(tmp_path: Path, name: str) -> None:
    path, body = WRITES[name]
    method = name.split(maxsplit=1)[0]
    with dashboard_of(tmp_path, record_campaign, role=Role.OPERATOR) as operator:
        before = operator.parts.keys.accounts()
        assert write(operator, method, path, body).status_code == 403
        operator.cookies.clear()
        assert write(operator, method, path, body).status_code == 401
        assert operator.parts.keys.accounts() == before
        assert operator.parts.keys.tokens() == ()


@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_no_page_of_ours_sent_is_refused(admin: Browser, name: str) -> None:
    path, body = WRITES[name]
    own = {"X-CSRF-Token": admin.csrf, "Idempotency-Key": new_key()}
    send: Callable[..., Response] = lambda headers: admin.request(  # noqa: E731 - one call, thrice
        name.split(maxsplit=1)[0], f"/api/v1{path}", json=body, headers=headers
    )

    assert send({**own, "X-CSRF-Token": "wrong"}).status_code == 403
    assert send({**own, "Origin": "http://evil.example"}).status_code == 403
    assert send({**own, "Host": "evil.example"}).status_code == 421
    assert admin.parts.keys.account("ada").role is Role.ADMIN


def test_no_secret_is_written_to_our_own_log(
    admin: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    post(admin, "/accounts", {"name": "bob", "role": "viewer", "password": GOOD})
    secret = post(admin, "/tokens", {"account": "bob", "label": "x", "scopes": ["read"]}).json()
    post(admin, "/accounts", {"name": "eve", "role": "king", "password": GOOD})

    assert "POST /api/v1/accounts, about bob" in caplog.text
    assert GOOD not in caplog.text
    assert secret["secret"] not in caplog.text
