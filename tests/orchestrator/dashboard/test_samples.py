"""The page of samples, and the same in the API."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.log.event_log import EventLog
from tests.support.dashboard import Browser, dashboard_of
from tests.support.dry_runs import DryRun
from tests.support.furnace_bench import furnace_campaign, furnace_rig


def _record(log: EventLog) -> None:
    DryRun(log, furnace_campaign(), furnace_rig(slots=4)).open()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with dashboard_of(tmp_path, _record) as found:
        yield found


def test_without_campaigns_it_says_so(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        assert "No sample is being made" in browser.get("/samples").text
        assert browser.get("/api/v1/samples").json() == []


def test_places_stand_there_with_free_slots(browser: Browser) -> None:
    text = browser.get("/samples").text
    assert "Places" in text
    assert "free" in text
    boards = browser.get("/api/v1/places").json()
    assert boards
    n_slots = {board["place"]: len(board["slots"]) for board in boards}
    assert n_slots == {"furnace": 4, "mixing_vessel": 1, "flow_cell": 1}
    for place in n_slots:
        assert f"<h3>{place}</h3>" in text


def test_an_unknown_campaign_is_refused(browser: Browser) -> None:
    assert browser.get("/api/v1/samples?campaign_id=nothing-1").status_code == 422
