"""The page of the stock: every lot, and the three forms."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.access.roles import Role
from orchestrator.core.events import (
    LAB_STREAM,
    StockCounted,
    StockDiscarded,
    StockReceived,
)
from orchestrator.log.event_log import EventLog
from tests.support.dashboard import Browser, dashboard_of
from tests.support.recorded_campaign import OPENED, record_campaign


def record_stock(log: EventLog) -> None:
    record_campaign(log, n=2, ends=False)
    received = [
        StockReceived(shelf="simulated/bench", stock="Ni", lot="N-1", amount=250.0, unit="ml"),
        StockReceived(shelf="simulated/bench", stock="salt", lot="S-1", amount=12.5, unit="g"),
        StockReceived(shelf="dry-run/old-1", stock="Ni", lot="first", amount=1.0, unit="ml"),
    ]
    log.append(LAB_STREAM, received, time=OPENED, actor="engine", is_simulated=True)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with dashboard_of(tmp_path, record_stock) as found:
        yield found


def test_without_stock_the_page_says_so(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        assert "No stock yet" in browser.get("/stock").text
        assert "No stock was heard of yet" in browser.get("/lab").text


def test_every_lot_is_shown_but_those_of_dry_runs_that_ended(browser: Browser) -> None:
    text = browser.get("/stock").text

    assert "250.00 ml" in text
    assert "12.500 g" in text
    assert "dry-run/old-1" not in text
    assert browser.get("/parts/stock/shelves").text.count("<tr>") == 3
    assert "Nothing runs out within a day" in browser.get("/lab").text


def test_a_form_says_what_came_what_is_left_and_what_is_gone(browser: Browser) -> None:
    shelf = {"shelf": "simulated/bench", "stock": "Ni"}
    fields = {**shelf, "unit": "ml"}

    browser.act("receive_stock", **fields, lot="N-2", amount="500", expires="2031-01-31")
    browser.act("count_stock", **fields, lot="N-1", amount="200.5", reason="weighed")
    asked = browser.act("discard_stock", **shelf, lot="N-2", is_confirmed=False)
    browser.act("discard_stock", **shelf, lot="N-2", reason="cloudy")

    with browser.parts.open_lab("ada", None) as lab:
        records = [one for one in lab.records(LAB_STREAM) if one.actor == "ada"]
    events = [one.event for one in records]
    assert "500 ml are written off" in asked.text
    assert [type(event) for event in events] == [StockReceived, StockCounted, StockDiscarded]
    assert "200.50 ml" in browser.get("/stock").text
    assert "discarded" in browser.get("/stock").text


def test_scripts_read_the_same(browser: Browser) -> None:
    (shelf,) = browser.get("/api/v1/stock").json()

    assert [one["stock"] for one in shelf["stocks"]] == ["Ni", "salt"]


def test_a_viewer_sees_and_may_not(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_stock, role=Role.VIEWER) as browser:
        assert "viewer may not" in browser.get("/stock").text
