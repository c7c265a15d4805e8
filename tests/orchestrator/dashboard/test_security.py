"""What is refused before anybody is asked who they are."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from orchestrator.dashboard.security import MOST_BYTES, BodyTooLarge, Guard

OWN = {"origin": "http://lab.example"}


async def take(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def client() -> TestClient:
    app = Starlette(routes=[Route("/", take, methods=["GET", "POST"])])
    guarded = Guard(app, hosts=["lab.example", "[::1]"], is_secure=False)
    return TestClient(guarded, base_url="http://lab.example")


@pytest.mark.parametrize("host", ["evil.example", "", "lab.example.evil.example", "127.0.0.1"])
def test_another_host_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["LAB.example:8000", "[::1]:8080"])
def test_our_names_are_served_at_any_port(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "https://lab.example"},
        {"origin": "http://lab.example:81"},
        {"referer": "http://lab.example.evil.example/"},
        {"origin": "http://evil.example", "referer": "http://lab.example/"},
    ],
)
def test_a_write_from_elsewhere_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/", headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [OWN, {"referer": "http://lab.example/alarms"}])
def test_a_write_of_our_page_is_passed_on(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/", headers=headers).status_code == 200


def test_a_token_needs_no_origin(client: TestClient) -> None:
    assert client.post("/", headers={"authorization": "Bearer ath_1_2"}).status_code == 200


@pytest.mark.parametrize("length", ["999999999", "-1", "many"])
def test_a_body_said_to_be_too_large_is_refused(client: TestClient, length: str) -> None:
    assert client.post("/", headers={**OWN, "content-length": length}).status_code == 413


def test_a_body_that_goes_on_and_on_is_given_up(client: TestClient) -> None:
    with pytest.raises(BodyTooLarge):
        client.post(
            "/", headers=OWN, content=(b"x" * 65536 for _ in range(MOST_BYTES // 65536 + 1))
        )


def test_every_answer_says_what_a_browser_may_do(client: TestClient) -> None:
    for answer in (client.get("/"), client.get("/", headers={"host": "evil"}), client.post("/")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers


def test_a_secure_server_says_so() -> None:
    app = Starlette(routes=[Route("/", take)])
    client = TestClient(Guard(app, hosts=["testserver"], is_secure=True))

    assert "max-age" in client.get("/").headers["strict-transport-security"]
