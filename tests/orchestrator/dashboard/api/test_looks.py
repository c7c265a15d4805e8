"""What the API shows, and how a wrong question is refused."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.access.roles import Role, Scope
from orchestrator.dashboard.api.verifying import Verifier
from orchestrator.dashboard.rendering import new_key
from orchestrator.errors import LogUnavailable
from tests.support.api_calls import get, post
from tests.support.dashboard import Browser, dashboard_of, dashboard_parts
from tests.support.recorded_campaign import record_campaign

pytestmark = pytest.mark.slow


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
