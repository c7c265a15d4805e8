"""What strangers try on the dashboard: planted cookies, other hosts, great bodies, odd words."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from drivers.clock import SystemClock
from orchestrator.access.roles import Role
from orchestrator.dashboard.app import make_app
from orchestrator.dashboard.identity import cookie_name
from orchestrator.dashboard.parts import DashboardParts
from orchestrator.dashboard.rate import Limits
from orchestrator.dashboard.security import MOST_BYTES
from tests.support.dashboard import BASE_URL, dashboard_parts
from tests.support.recorded_campaign import record_campaign
from tests.support.served_dashboard import PASSWORD
from tests.support.standing_clock import StandingClock

COOKIE = cookie_name(is_secure=False)
MUST = {
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardParts]:
    with dashboard_parts(tmp_path_factory.mktemp("lab"), record_campaign) as found:
        found.keys.add_account("ada", Role.ADMIN, by="test", password=PASSWORD)
        yield found


@pytest.fixture(scope="module")
def shared(parts: DashboardParts) -> FastAPI:
    return make_app(parts)


@pytest.fixture
def app(shared: FastAPI) -> FastAPI:
    shared.state.limits = Limits.usual(SystemClock())
    return shared


def stranger(app: FastAPI, base_url: str = BASE_URL, address: str = "testclient") -> TestClient:
    return TestClient(
        app,
        base_url,
        raise_server_exceptions=False,
        follow_redirects=False,
        headers={"Origin": base_url},
        client=(address, 50000),
    )


def ada(app: FastAPI) -> TestClient:
    """Ada, signed in by her password; her form's secret as a header of her own."""
    client = stranger(app)
    answer = client.post("/login", data={"name": "ada", "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    session = app.state.parts.keys.session(client.cookies[COOKIE])
    client.headers["x-csrf-token"] = session.csrf
    return client


# Sessions


def test_a_session_s_cookie_is_out_of_reach_of_scripts_and_of_other_sites(app: FastAPI) -> None:
    answer = stranger(app).post("/login", data={"name": "ada", "password": PASSWORD})
    said = answer.headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert "path=/" in said
    assert "domain" not in said
    assert "max-age" not in said, "it ends with the browser"


def test_behind_https_the_cookie_is_bound_to_this_host_and_to_https(parts: DashboardParts) -> None:
    secure = stranger(make_app(replace(parts, is_secure=True)), "https://127.0.0.1")
    answer = secure.post("/login", data={"name": "ada", "password": PASSWORD})
    said = answer.headers["set-cookie"]
    assert said.startswith("__Host-athanor=")
    assert "Secure" in said
    assert "strict-transport-security" in answer.headers
    theme = secure.post("/theme", data={"theme": "dark"}).headers["set-cookie"]
    assert "Secure" in theme


def test_a_cookie_that_was_planted_before_is_worth_nothing_after_signing_in(app: FastAPI) -> None:
    planted = stranger(app)
    planted.cookies.set(COOKIE, "planted")
    answer = planted.post("/login", data={"name": "ada", "password": PASSWORD})
    new = answer.cookies[COOKIE]
    assert new != "planted"
    assert len(new) > 40
    thief = stranger(app)
    thief.cookies.set(COOKIE, "planted")
    assert thief.get("/lab").headers["location"].startswith("/login")


def test_each_signing_in_has_a_session_of_its_own(app: FastAPI) -> None:
    assert ada(app).cookies[COOKIE] != ada(app).cookies[COOKIE]


def test_signing_out_ends_the_session_on_the_server_too(app: FastAPI) -> None:
    client = ada(app)
    kept = client.cookies[COOKIE]
    assert client.get("/lab").status_code == 200
    answer = client.post("/logout")
    assert answer.headers["location"] == "/login"
    thief = stranger(app)
    thief.cookies.set(COOKIE, kept)
    assert thief.get("/lab").status_code == 303
    assert thief.get("/api/v1/me").status_code == 401


def test_another_password_ends_the_sessions_of_the_old_one(
    app: FastAPI, parts: DashboardParts
) -> None:
    parts.keys.add_account("eve", Role.VIEWER, by="test", password=PASSWORD)
    secret = parts.keys.begin_session("eve")
    parts.keys.set_password("eve", "another night of pumps", by="test")
    client = stranger(app)
    client.cookies.set(COOKIE, secret)
    assert client.get("/lab").status_code == 303


def test_a_worthless_token_beside_a_good_cookie_lets_nobody_in(app: FastAPI) -> None:
    client = ada(app)
    assert client.get("/api/v1/me", headers={"Authorization": "Bearer ath_x_y"}).status_code == 401
    assert client.get("/api/v1/me", headers={"Authorization": "Basic YWRhOng="}).status_code == 401


# Signing in


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "/lab\r\nSet-Cookie: a=b",
        "/lab\nX: y",
        "\t//evil.example",
        " //evil.example",
        "/\t/evil.example",
        "",
    ],
)
def test_signing_in_goes_on_to_no_other_server(app: FastAPI, target: str) -> None:
    client = stranger(app)
    posted = client.post("/login", data={"name": "ada", "password": PASSWORD, "next": target})
    looked = client.get("/login", params={"next": target})
    themed = client.post("/theme", data={"theme": "dark", "next": target})
    for answer in (posted, looked, themed):
        assert answer.status_code == 303
        assert answer.headers["location"] == "/", target
        assert "a=b" not in str(answer.headers)


def test_guessing_passwords_is_slowed_down_by_address_and_by_name(app: FastAPI) -> None:
    wrong = {"name": "ada", "password": "not the password"}
    clock = StandingClock(datetime(2026, 1, 5, tzinfo=UTC))  # comparing passwords takes its time
    app.state.limits = Limits.usual(clock)
    client = stranger(app)
    answers = [client.post("/login", data=wrong) for _ in range(11)]
    assert [one.status_code for one in answers] == [403] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    places = [stranger(app, address=f"192.0.2.{place}") for place in range(1, 8)]
    spread = [place.post("/login", data=wrong).status_code for place in places for _ in range(9)]
    assert spread[:50] == [403] * 50, "who owns the name is not shut out by one guesser"
    assert spread[-1] == 429, "the name is slowed down too, wherever the guesses come from"
    assert places[-1].post("/login", data={**wrong, "name": "bob"}).status_code == 403


def test_a_wrong_name_and_a_wrong_password_are_answered_alike(app: FastAPI) -> None:
    client = stranger(app)
    texts = {
        client.post("/login", data={"name": name, "password": "wrong" * 4}).text.replace(name, "")
        for name in ("adb", "ada")
    }
    said = {text.partition("<main")[2].partition("</main>")[0] for text in texts}
    assert len(said) == 1


# What requests say


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:80",
        "127.0.0.1@evil.example",
        "localhost.",
        "xlocalhost",
        "0.0.0.0",
        "[::]",
        "",
    ],
)
def test_a_name_that_is_not_ours_is_refused_before_all_else(app: FastAPI, host: str) -> None:
    answer = ada(app).get("/lab", headers={"Host": host, "X-Forwarded-Host": "127.0.0.1"})
    assert answer.status_code == 421


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "text/plain; application/json", "application/octet-stream", "", "image/png"],
)
def test_json_under_another_name_does_nothing_without_the_session_s_secret(
    app: FastAPI, parts: DashboardParts, kind: str
) -> None:
    client, before = ada(app), parts.live.refresh()
    del client.headers["x-csrf-token"]
    said = b'{"campaign_id":"small-1","csrf":"x"}'
    headers = {"Content-Type": kind, "Idempotency-Key": "12345678"}
    answer = client.post("/api/v1/acts/pause?csrf=x", content=said, headers=headers)
    assert answer.status_code in (403, 422)
    assert parts.live.refresh() == before


def test_a_secret_in_the_address_is_not_taken(app: FastAPI, parts: DashboardParts) -> None:
    client, before = ada(app), parts.live.refresh()
    csrf = client.headers.pop("x-csrf-token")
    said = {"key": "12345678", "seen_seq": "0", "instrument": "balance", "confirmed": "yes"}
    answer = client.post(f"/acts/take_out?csrf={csrf}", data={**said, "reason": "x"})
    assert answer.status_code == 403
    assert parts.live.refresh() == before


@pytest.mark.parametrize("path", ["/login", "/theme", "/acts/pause", "/api/v1/acts/pause"])
def test_a_great_body_is_refused_with_a_length_and_without(app: FastAPI, path: str) -> None:
    client = ada(app)
    whole = b"x" * (MOST_BYTES + 1)
    kind = "application/json" if "api" in path else "application/x-www-form-urlencoded"
    headers = {"Content-Type": kind, "Idempotency-Key": "12345678"}
    assert client.post(path, content=whole, headers=headers).status_code == 413
    pieces = (whole[start : start + 65536] for start in range(0, len(whole), 65536))
    assert client.post(path, content=pieces, headers=headers).status_code == 413


def test_a_body_just_small_enough_is_read_and_judged(app: FastAPI) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "12345678"}
    said = b'{"campaign_id":"' + b"x" * (MOST_BYTES - 18) + b'"}'
    assert ada(app).post("/api/v1/acts/pause", content=said, headers=headers).status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e%2f%2e%2e%2fsettings.py",
        "/static/css/../../app.py",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
        "/static/..\\app.py",
        "/static/..%5capp.py",
        "/static/%252e%252e/app.py",
        "/static/%00",
        "/static/css/tokens.css%00.html",
        "/static/",
        "/static/css",
    ],
)
def test_nothing_but_our_own_files_comes_from_static(app: FastAPI, path: str) -> None:
    answer = stranger(app).get(path)
    assert answer.status_code in (303, 404, 405), answer.text
    assert "import" not in answer.text.partition("<main")[2]


@pytest.mark.parametrize("path", ["/campaigns/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/lab/%3Cb%3E"])
def test_what_an_address_says_is_shown_as_text(app: FastAPI, path: str) -> None:
    answer = ada(app).get(path)
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert "<b>" not in answer.text


def test_what_a_campaign_says_of_itself_is_shown_as_text(app: FastAPI) -> None:
    client = ada(app)
    for path in ("/lab", "/campaigns", "/campaigns/small-1", "/campaigns/small-1/experiments"):
        text = client.get(path).text
        assert "<b>and</b>" not in text
        assert "<overload>" not in text


def test_other_sites_can_neither_read_nor_frame_what_we_answer(app: FastAPI) -> None:
    client = ada(app)
    for path in ("/lab", "/stream?after_seq=999999999", "/api/v1/lab", "/static/brand.svg"):
        headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        answer = client.get(path, headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    preflight = client.options("/api/v1/acts/pause", headers=asked)
    assert preflight.status_code == 405
    assert not [name for name in preflight.headers if name.startswith("access-control")]


def test_every_answer_says_what_a_browser_may_do_with_it(app: FastAPI) -> None:
    client = ada(app)
    answers = [
        client.get("/lab"),
        client.get("/nowhere"),
        client.get("/static/css/tokens.css"),
        client.get("/api/v1/lab"),
        client.get("/lab", headers={"Host": "evil.example"}),
        client.post("/acts/pause", headers={"Origin": "http://evil.example"}),
        client.post("/acts/pause", content=b"x" * (MOST_BYTES + 1)),
        stranger(app).get("/lab"),
        client.post("/acts/pause", data={"campaign_id": "no-such"}),
    ]
    for answer in answers:
        assert {name: answer.headers[name][: len(said)] for name, said in MUST.items()} == MUST
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"]
    assert client.get("/lab").headers["cache-control"] == "no-store"


# What the source may not say

ROOM = Path(make_app.__code__.co_filename).parent
FORBIDDEN = (
    "eval(", "exec(", "pickle", "yaml.load", "|safe", "| safe", "Markup(", "autoescape false",
    "subprocess", "os.system", "shell=True", "innerHTML =", "outerHTML =", "insertAdjacentHTML",
    "document.write", "new Function",
)  # fmt: skip


def own_files() -> list[Path]:
    found = (file for file in ROOM.rglob("*") if file.suffix in (".py", ".html", ".js"))
    return sorted(file for file in found if "vendor" not in file.parts)


@pytest.mark.parametrize("file", own_files(), ids=lambda file: file.relative_to(ROOM).as_posix())
def test_no_file_of_the_room_runs_what_it_was_told(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert [word for word in FORBIDDEN if word in text] == []


@pytest.mark.parametrize(
    "file",
    [file for file in own_files() if file.suffix == ".html"],
    ids=lambda file: file.relative_to(ROOM).as_posix(),
)
def test_no_template_has_script_or_style_of_its_own(file: Path) -> None:
    import re

    text = file.read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=\"/static/)[^>]*>", text) == []
    assert re.findall(r"<style\b|\sstyle=|<[^>{]*\son[a-z]+=\"", text) == []
    assert re.findall(r"(?:src|href|action)=\"(?:https?:)?//", text) == []
    assert "javascript:" not in text
