"""Who listens may be shut out while they listen, and only so many may."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

import orchestrator.dashboard.stream as stream_module
from orchestrator.access.roles import Role, Scope
from orchestrator.dashboard.parts import DashboardParts
from orchestrator.dashboard.rate import Limits
from tests.support.dashboard import Browser, dashboard_parts
from tests.support.web_server import web_server


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[DashboardParts]:
    with dashboard_parts(tmp_path) as made:
        yield made


def test_a_stream_ends_when_its_account_is_shut_out(
    parts: DashboardParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "ASK_EVERY_S", 0.0)
    parts.keys.add_account("admin", Role.ADMIN, by="test")
    parts.keys.add_account("wall", Role.VIEWER, by="test")
    token = parts.keys.make_token("wall", label="wall", scopes=[Scope.READ], by="test")

    with (
        web_server(parts) as url,
        httpx2.stream(
            "GET", f"{url}/stream", headers={"authorization": f"Bearer {token}"}, timeout=20.0
        ) as answer,
    ):
        beats = 0
        for line in answer.iter_lines():
            beats += line == "event: beat"
            if beats == 2:
                parts.keys.set_disabled("wall", is_disabled=True, by="test")

    assert beats >= 2, "and then it ended"


def test_no_more_listen_than_the_server_bears(
    parts: DashboardParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "MOST_STREAMS", 0)
    with Browser(parts, role=Role.VIEWER) as browser:
        answer = browser.get("/stream")

    assert answer.status_code == 429
    assert json.loads(answer.text)["status"] == 429


def test_somebody_elsewhere_does_not_shut_a_person_out(parts: DashboardParts) -> None:
    limits = Limits.usual(parts.clock)
    for _ in range(20):
        limits.sign_ins.wait_s("10.0.0.66")
        limits.names.wait_s("ada")

    assert limits.sign_ins.wait_s("10.0.0.66") > 0
    assert limits.sign_ins.wait_s("10.0.0.5") == 0
    assert limits.names.wait_s("ada") == 0
