"""What people with bad intentions send: planted cookies, deep forms, many addresses."""

import socket
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from orchestrator.access.roles import Role
from orchestrator.dashboard.app import make_app
from orchestrator.dashboard.parts import DashboardParts
from orchestrator.dashboard.rate import Limits
from orchestrator.dashboard.rendering import told_cookie
from orchestrator.dashboard.serving import Where, refuse_unsafe
from orchestrator.errors import LogUnavailable, SettingsError
from tests.support.dashboard import BASE_URL, Browser, dashboard_parts
from tests.support.served_dashboard import PASSWORD
from tests.support.web_server import web_server


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[DashboardParts]:
    with dashboard_parts(tmp_path) as made:
        yield made


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize("said", ["[" * 2500, "{}", "[1]", '"x"', '{"message":"a","kind":{}}'])
def test_a_planted_message_takes_no_page_away(parts: DashboardParts, said: str) -> None:
    with Browser(parts, role=Role.VIEWER) as browser:
        browser.cookies.set(told_cookie(is_secure=False), encoded(said))
        answer = browser.get("/account")

    assert answer.status_code == 200


def test_by_https_no_other_host_puts_words_into_a_page(parts: DashboardParts) -> None:
    forged = encoded('{"message": "the stop was cleared", "kind": "good"}')
    app = make_app(replace(parts, is_secure=True))
    browser = TestClient(app, "https://127.0.0.1", follow_redirects=False)
    browser.cookies.set(told_cookie(is_secure=False), forged)
    assert "the stop was cleared" not in browser.get("/login").text

    browser.cookies.set(told_cookie(is_secure=True), forged)
    answer = browser.get("/login")
    assert "the stop was cleared" in answer.text
    assert told_cookie(is_secure=True).startswith("__Host-")
    assert "secure" in answer.headers["set-cookie"].lower(), "else no browser takes it away"


def test_a_form_whose_names_nest_for_ever_is_refused(parts: DashboardParts) -> None:
    with Browser(parts, role=Role.OPERATOR) as browser:
        answer = browser.act("add_point", campaign_id="x", **{"point." + "a." * 5000 + "a": "1"})

    assert answer.status_code == 409
    assert "expected at most 8" in answer.text


def guess(client: TestClient) -> int:
    answer = client.post("/login", data={"name": "ada", "password": "wrong wrong"})
    return answer.status_code


def at(app: FastAPI, address: str) -> TestClient:
    return TestClient(
        app, BASE_URL, follow_redirects=False, headers={"Origin": BASE_URL}, client=(address, 5)
    )


def test_one_house_with_many_ipv6_addresses_guesses_no_oftener(parts: DashboardParts) -> None:
    app = make_app(parts)
    statuses = [guess(at(app, f"2001:db8:1:2::{n:x}")) for n in range(11)]

    assert statuses == [403] * 10 + [429]
    assert guess(at(app, "2001:db8:1:3::1")) == 403, "the neighbour may"
    assert guess(at(app, "::ffff:10.0.0.1")) == 403


def test_nobody_elsewhere_keeps_a_person_out_where_she_signed_in(parts: DashboardParts) -> None:
    parts.keys.add_account("ada", Role.OPERATOR, by="test", password=PASSWORD)
    app = make_app(parts)
    good = {"name": "Ada ", "password": PASSWORD}
    assert at(app, "10.0.0.5").post("/login", data=good).status_code == 303

    limits: Limits = app.state.limits
    while not limits.names.wait_s("ada"):
        pass  # from very many addresses

    assert at(app, "10.0.0.9").post("/login", data=good).status_code == 429
    assert at(app, "10.0.0.5").post("/login", data=good).status_code == 303


def test_passwords_cross_no_network_in_the_clear_beside_the_proxy(parts: DashboardParts) -> None:
    app = make_app(replace(parts, is_secure=True))
    assert at(app, "10.0.0.5").get("/login").status_code == 403
    assert at(app, "127.0.0.1").get("/login").status_code == 200
    by_proxy = TestClient(app, "https://127.0.0.1", client=("10.0.0.5", 5))
    assert by_proxy.get("/login").status_code == 200


@pytest.mark.parametrize("proxy", ["*", "0.0.0.0/0", "10.0.0.1,10.0.0.2", "proxy.example"])
def test_nobody_but_one_address_is_believed_to_be_the_proxy(
    parts: DashboardParts, proxy: str
) -> None:
    with pytest.raises(SettingsError, match="--proxy"):
        refuse_unsafe(Where(proxy=proxy), parts.keys)
    refuse_unsafe(Where(proxy="127.0.0.1"), parts.keys)


def test_a_body_that_trickles_in_is_given_up(
    parts: DashboardParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.dashboard.security.LONGEST_BODY_S", 0.2)
    head = "POST /login HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\nOrigin: http://127.0.0.1:{0}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname="
    with web_server(parts) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(head.format(port).encode())
            answer = connection.recv(200)

    assert b" 413 " in answer


def test_a_request_of_two_lengths_is_refused_with_all_that_follows(parts: DashboardParts) -> None:
    with web_server(parts) as url:
        port = int(url.rpartition(":")[2])
        host = f"Host: 127.0.0.1:{port}\r\n"
        said = f"POST /login HTTP/1.1\r\n{host}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n"
        said += f"\r\n0\r\n\r\nGET /login HTTP/1.1\r\n{host}\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(said.encode())
            answer = b"".join(iter(lambda: connection.recv(4096), b""))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_an_address_with_line_ends_is_one_line_of_the_log(
    parts: DashboardParts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise LogUnavailable("the disk is full")

    with Browser(parts, role=Role.VIEWER) as browser:
        monkeypatch.setattr(parts.live, "refresh", fail)
        browser.get("/campaigns/x%0aERROR everything is well")

    (line,) = [one.getMessage() for one in caplog.records if "ERROR everything" in one.getMessage()]
    assert "\n" not in line
