"""The laboratory's page in Chromium: it follows the log, and stays usable while it does."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from orchestrator.access.roles import Role
from orchestrator.core.events import LAB_STREAM, JobStarted, LatchSet
from orchestrator.dashboard.app import make_app
from orchestrator.dashboard.parts import DashboardParts
from orchestrator.log.event_log import EventLog
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from tests.support.dashboard import dashboard_parts
from tests.support.recorded_campaign import CAMPAIGN_ID, RecordedCampaign

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

_PAGES = ("/lab", "/lab/wall", "/campaigns", "/tasks")


def under_way(log: EventLog) -> None:
    """Record a campaign that has gone on for some minutes until now, whose engine lives."""
    campaign = RecordedCampaign(log, is_simulated=False)
    campaign.time = datetime.now(UTC) - timedelta(minutes=2)
    campaign.open()
    experiment_id = campaign.start()
    campaign.do_jobs(experiment_id, "tare")
    campaign.append(JobStarted(job_id=f"{experiment_id}/dose", attempt=1, epoch=1))
    assert isinstance(log, SqliteLog)
    beaten = datetime.now(UTC) + timedelta(minutes=5)
    log.beat(f"engine/{CAMPAIGN_ID}", pid=7, host="elsewhere", time=beaten)


@dataclass
class Served:
    """A page of a dashboard that is served."""

    page: Page
    url: str
    parts: DashboardParts
    complaints: list[str]


@contextmanager
def listening(parts: DashboardParts) -> Iterator[str]:
    """Serve the dashboard in a thread, and give its address."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(make_app(parts), log_config=None, timeout_graceful_shutdown=1)
        )
        begun = Event()

        def run() -> None:
            begun.set()
            server.run(sockets=[listener])

        thread = Thread(target=run, name="dashboard")
        thread.start()
        begun.wait(5)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def served(tmp_path: Path, chromium: Browser) -> Iterator[Served]:
    """Give a page whose browser has signed in."""
    with dashboard_parts(tmp_path, under_way) as parts:
        parts.keys.add_account("ada", Role.OPERATOR, by="test")
        secret = parts.keys.begin_session("ada")
        with listening(parts) as url:
            context = chromium.new_context(viewport={"width": 1366, "height": 900})
            context.add_cookies([{"name": "athanor", "value": secret, "url": url}])
            found = Served(context.new_page(), url, parts, [])
            found.page.on("console", lambda message: found.complaints.append(message.text))
            found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
            yield found
            context.close()


def set_latch(parts: DashboardParts) -> None:
    """Let somebody press the emergency stop elsewhere."""
    with closing(open_sqlite_log(parts.database)) as log:
        latch = LatchSet(source="operator", reason="smoke")
        now = datetime.now(UTC)
        log.append(LAB_STREAM, [latch], time=now, actor="bob", is_simulated=False)


def test_what_happens_is_seen_and_what_is_open_stays_open(served: Served) -> None:
    page = served.page
    page.goto(f"{served.url}/lab")
    assert "well" in str(page.locator("[data-lab-word]").text_content())
    page.locator("article:has-text('pump_x1') summary").click()
    page.get_by_role("button", name="Pause").focus()

    set_latch(served.parts)

    page.locator("[data-lab-word]", has_text="stopped").wait_for(timeout=5000)
    page.locator("article:has-text('pump_x1')", has_text="not usable").or_(
        page.get_by_role("button", name="Clear the latch")
    ).first.wait_for(timeout=5000)
    with page.expect_response("**/parts/lab/instruments", timeout=15_000):
        pass
    with page.expect_response("**/parts/lab/campaigns", timeout=15_000):
        pass
    assert page.locator("article:has-text('pump_x1') details[open]").count() == 1
    assert page.locator("button:focus").text_content() == "Pause"
    assert page.locator("#lab-said").text_content() == "The laboratory: stopped"
    assert served.complaints == []


def test_the_latch_is_cleared_by_two_presses_and_a_reason(served: Served) -> None:
    page = served.page
    set_latch(served.parts)
    page.goto(f"{served.url}/lab")
    page.get_by_role("button", name="Clear the latch").click()
    assert "go and look at the bench first" in str(page.locator(".consequence").text_content())
    page.get_by_label("Why, in your words").fill("a candle")
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("the stop latch is cleared").wait_for(timeout=5000)
    assert "well" in str(page.locator("[data-lab-word]").text_content())


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_nothing_keeps_people_from_reading_it(served: Served, scheme: str) -> None:
    served.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in _PAGES:
        served.page.goto(f"{served.url}{path}")
        found = Axe().run(served.page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("width", [360, 1920])
def test_nothing_is_wider_than_the_screen(served: Served, width: int) -> None:
    served.page.set_viewport_size({"width": width, "height": 900})
    for path in _PAGES:
        served.page.goto(f"{served.url}{path}")
        wide = served.page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= width
