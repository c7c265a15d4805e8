"""The API: what is shown, what is refused, and changes that are made once."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

from orchestrator.access.roles import Role, Scope
from orchestrator.dashboard.api.verifying import Verifier
from orchestrator.dashboard.rendering import new_key
from orchestrator.errors import LogUnavailable
from tests.support.dashboard import Browser, dashboard_of, dashboard_parts
from tests.support.hook_server import hook_server
from tests.support.recorded_campaign import record_campaign

pytestmark = pytest.mark.slow

GOOD = "seven grams of copper"


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Browser]:
    with dashboard_of(tmp_path, record_campaign, role=Role.ADMIN) as browser:
        yield browser


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Somebody who changes nothing."""
    folder = tmp_path_factory.mktemp("reader")
    with dashboard_of(folder, record_campaign, role=Role.VIEWER) as browser:
        yield browser


def write(
    browser: Browser, method: str, path: str, body: object = None, *, key: str | None = None
) -> Response:
    headers = {"X-CSRF-Token": browser.csrf, "Idempotency-Key": key or new_key()}
    return browser.request(method, f"/api/v1{path}", json=body, headers=headers)


def post(browser: Browser, path: str, body: object, **more: Any) -> Response:
    return write(browser, "POST", path, body, **more)


def get(browser: Browser, path: str) -> Any:
    answer = browser.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_health_says_no_more_than_ok_to_strangers(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_campaign, role=None) as stranger:
        said = get(stranger, "/health")
        assert stranger.get("/api/v1/version").status_code == 401

    assert {name: value for name, value in said.items() if value} == {"is_ok": True}


def test_health_is_not_ok_while_the_log_cannot_be_read(admin: Browser) -> None:
    admin.parts.follower.stop()
    admin.parts.follower._say("the disk is gone")

    answer = admin.get("/api/v1/health")

    assert answer.status_code == 503
    assert answer.json()["trouble"] == "the disk is gone"


def test_what_was_learnt_is_not_sent_twice(admin: Browser) -> None:
    path = "/api/v1/campaigns/small-1/front"
    first = admin.get(path)
    tag = first.headers["etag"]

    again = admin.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (
        admin.get("/api/v1/campaigns/no/front", headers={"If-None-Match": tag}).status_code == 404
    )

    post(admin, "/acts/acknowledge_all", {"reason": "seen"})
    admin.act("emergency_stop", reason="smoke")
    assert admin.get(path, headers={"If-None-Match": tag}).status_code == 200
    admin.cookies.clear()
    assert admin.get(path, headers={"If-None-Match": tag}).status_code == 401


def test_campaigns_come_in_pages(reader: Browser) -> None:
    page = get(reader, "/campaigns?limit=1")

    assert [one["campaign_id"] for one in page["items"]] == ["small-1"]
    assert page["next_after"] is None
    assert get(reader, "/campaigns?after=small-1")["items"] == []
    assert reader.get("/api/v1/campaigns?after=none").status_code == 422


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/campaigns/none", 404),
        ("/campaigns/none/export", 404),
        ("/campaigns/small-1/experiments/E9", 404),
        ("/campaigns/small-1/experiments?order=weather", 422),
        ("/campaigns/small-1/experiments?limit=0", 422),
        ("/campaigns/small-1/experiments?after=E99", 422),
        ("/campaigns/small-1/front?bound=Ni", 422),
        ("/campaigns/small-1/front?bound=Ni>=nan", 422),
        ("/campaigns/small-1/front?bound=Ni>=x", 422),
        ("/campaigns/small-1/front?bound=gold>=1", 422),
        ("/campaigns/small-1/jobs?from_h=5&until_h=4", 422),
        ("/campaigns/small-1/jobs?from_h=inf", 422),
        ("/campaigns/small-1/export?format=xlsx", 422),
        ("/doubts?campaign_id=none", 422),
        ("/events?campaign_id=none", 422),
        ("/events?after_seq=99999999999999999999", 422),
        ("/instruments/none/telemetry", 404),
        ("/instruments/balance/telemetry?until=2026-01-01T00:00:00&since=2025-12-01T00:00:00", 422),
        ("/instruments/balance/telemetry?until=0001-01-01T00:00:00", 422),
        ("/nothing", 404),
    ],
)
def test_a_wrong_question_is_refused_as_a_problem(reader: Browser, path: str, status: int) -> None:
    answer = reader.get(f"/api/v1{path}")

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]


def test_the_export_is_what_the_command_line_writes(reader: Browser) -> None:
    import pandas as pd

    from orchestrator.service.tables import TableFormat, experiments_frame, frame_text

    with reader.parts.live.using() as lab:
        frame = experiments_frame(lab.campaign("small-1"))
    for form in (TableFormat.CSV, TableFormat.JSON):
        answer = reader.get(f"/api/v1/campaigns/small-1/export?format={form}")
        assert answer.text == frame_text(frame, form)
        assert f"small-1.{form}" in answer.headers["content-disposition"]
    whole = reader.get("/api/v1/campaigns/small-1/export?format=parquet").content
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(whole)), frame)


def test_telemetry_is_what_was_kept(admin: Browser) -> None:
    from datetime import timedelta

    from orchestrator.log.side_tables import TelemetrySample
    from orchestrator.log.sql_log import open_sqlite_log

    now = admin.parts.clock.now()
    log = open_sqlite_log(admin.parts.database)
    times = [now - timedelta(minutes=minutes) for minutes in (90, 30, 10)]
    log.append_telemetry(
        [TelemetrySample(time, "oven", "temperature_c", 20.0 + i) for i, time in enumerate(times)]
    )
    log.close()

    assert [one["value"] for one in get(admin, "/instruments/oven/telemetry")["items"]] == [
        21.0,
        22.0,
    ]


def test_tasks_of_a_board_are_shown(tmp_path: Path) -> None:
    from dataclasses import replace

    from drivers.clock import SystemClock
    from drivers.task_board import TaskBoard
    from orchestrator.service.task_boards import TaskBoards

    folder, task = tmp_path / "board", "small-1/E0001/press#1@20260302T080000000000"
    board = TaskBoard(folder, SystemClock())
    board.create()
    board.post(task, "Press it.", (), 60.0)
    with dashboard_parts(tmp_path, record_campaign) as parts:
        shown = replace(parts, boards=TaskBoards.of(folders=[folder]))
        with Browser(shown, role=Role.VIEWER) as viewer:
            said = get(viewer, "/tasks")

    assert [one["task"] for one in said["items"]] == [task]
    assert said["troubles"] == []


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
    keys.set_password("ada", GOOD)
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
        made = post(admin, "/webhooks", wanted).json()
        hook_id = made["webhook"]["hook_id"]
        assert made["secret"]
        assert made["secret"] not in json.dumps(get(admin, "/webhooks"))
        assert made["webhook"]["told_seq"] == admin.parts.live.refresh()
        off = post(admin, f"/webhooks/{hook_id}", {"is_off": True}).json()
        assert off["webhook"]["is_off"]
        admin.act("emergency_stop", reason="smoke")
        on = post(admin, f"/webhooks/{hook_id}", {"is_off": False, "skips_missed": True}).json()
        assert on["webhook"]["told_seq"] == admin.parts.live.refresh()

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

    assert [seq for taken in server.taken for seq in taken.seqs] == list(range(1, 135))


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


def test_the_log_is_checked_once_at_a_time(tmp_path: Path) -> None:
    from dataclasses import replace
    from threading import Event

    with dashboard_parts(tmp_path, record_campaign) as parts:
        may_open = Event()

        def slow_lab(name: str, acting: Any) -> Any:
            may_open.wait(10)
            return parts.open_lab(name, acting)

        verifier = Verifier(replace(parts, open_lab=slow_lab))
        first = verifier.start("ada")
        assert verifier.start("bob") == first
        assert verifier.view().state == "running"
        may_open.set()
        done = verifier.wait(10.0)
        parts.follower.stop()

    assert (done.state, done.by, done.is_whole, done.n_records) == ("done", "ada", True, 134)


def test_a_check_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    from dataclasses import replace

    def no_lab(name: str, acting: Any) -> Any:
        raise LogUnavailable("the disk is gone")

    with dashboard_parts(tmp_path, record_campaign) as parts:
        verifier = Verifier(replace(parts, open_lab=no_lab))
        verifier.start("ada")
        failed = verifier.wait(10.0)
        parts.follower.stop()

    assert (failed.state, failed.reason, failed.is_whole) == ("failed", "the disk is gone", None)


def test_a_repeated_stop_is_told_that_it_was_done(admin: Browser) -> None:
    key = new_key()
    first = post(admin, "/acts/emergency_stop", {"reason": "smoke"}, key=key)
    again = post(admin, "/acts/emergency_stop", {"reason": "smoke"}, key=key)

    assert not first.json()["was_done_before"]
    assert (again.status_code, again.json()["was_done_before"]) == (200, True)


def test_every_write_says_what_it_needs_and_how_it_is_refused(reader: Browser) -> None:
    described = get(reader, "/openapi.json")
    writes = {
        f"{method} {path}": operation
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if method != "get"
    }
    ids = [one["operationId"] for ones in described["paths"].values() for one in ones.values()]

    assert len(writes) > 25
    assert len(ids) == len(set(ids))
    for name, operation in writes.items():
        assert operation["summary"], name
        assert operation["x-athanor-scope"] in list(Scope), name
        assert f"`{operation['x-athanor-scope']}`" in operation["description"], name
        assert {"401", "403", "409", "422", "503"} <= operation["responses"].keys(), name
