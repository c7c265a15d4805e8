"""What a page shows when its server stands still, dies, and comes back."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, Page, expect

from drivers.clock import SystemClock
from orchestrator.core.events import PauseRequested, campaign_stream
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.browsing import at_browser, last_seq
from tests.support.recorded_campaign import record_campaign
from tests.support.served_dashboard import ServedDashboard

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
STALE = "html[data-stale]"
FRESH = "html:not([data-stale])"
COLLECT = """
window.heard = [];
const Own = window.EventSource;
window.EventSource = class extends Own {
  constructor(...said) {
    super(...said);
    this.addEventListener("log", (event) => window.heard.push(Number(event.lastEventId)));
  }
};
"""


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDashboard]:
    database = tmp_path_factory.mktemp("lab") / "lab.db"
    log = open_sqlite_log(database)
    record_campaign(log, ends=False)
    log.close()
    with ServedDashboard(database) as served:
        yield served


def append(served: ServedDashboard, n: int) -> None:
    log = open_sqlite_log(served.database, must_exist=True)
    for number in range(n):
        log.append(
            campaign_stream("small-1"),
            [PauseRequested(reason=f"number {number}")],
            time=datetime.now(UTC),
            actor="engine",
            is_simulated=True,
        )
    log.close()


def _until_heard(page: Page, seq: int) -> None:
    """Wait until a page was told of a record; without `eval`, which the policy stops."""
    for _ in range(200):
        if seq in page.evaluate("window.heard"):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"{seq} never came: {page.evaluate('window.heard')}")


@pytest.mark.parametrize("path", ["/lab", "/lab/wall", "/campaigns/small-1"])
def test_a_server_that_stands_still_looks_stale_within_three_seconds(
    chromium: Browser, served: ServedDashboard, path: str
) -> None:
    with at_browser(chromium, served, time_zone="UTC") as ada:
        page = ada.look(path)
        expect(page.locator(FRESH)).to_be_attached()
        page.wait_for_timeout(1500)
        begun_s = SystemClock().monotonic_s()
        served.stand_still()
        page.wait_for_selector(STALE, state="attached", timeout=10_000)
        stale_s = SystemClock().monotonic_s() - begun_s
        expect(page.locator(".banner-stale")).to_be_visible()
        said = page.get_by_text("may be wrong by now")
        expect(said).to_be_visible()
        assert "UTC" in said.inner_text() or "GMT" in said.inner_text(), "a time without its zone"
        served.go_on()
        page.wait_for_selector(FRESH, state="attached", timeout=10_000)
        fresh_s = SystemClock().monotonic_s() - begun_s - stale_s
        expect(page.locator(".banner-stale")).to_be_hidden()
        print(f"{path}: stale after {stale_s:.2f} s, fresh {fresh_s:.2f} s after it went on")
        assert stale_s <= 3.0


def test_after_a_kill_and_a_start_no_event_was_missed_and_none_came_twice(
    chromium: Browser, served: ServedDashboard
) -> None:
    with at_browser(chromium, served) as ada:
        ada.page.add_init_script(COLLECT)
        page, before = ada.look("/lab"), last_seq(served)
        append(served, 5)
        _until_heard(page, before + 5)
        served.kill()
        append(served, 20)
        page.wait_for_selector(STALE, state="attached", timeout=10_000)
        served.start()
        append(served, 5)
        page.wait_for_selector(FRESH, state="attached", timeout=20_000)
        _until_heard(page, before + 30)
        heard = page.evaluate("window.heard")
        assert heard == list(range(before + 1, before + 1 + len(heard)))
        assert len(heard) >= 30
        assert all("htmx" in one or "ERR_" in one for one in ada.complaints), ada.complaints
        ada.complaints.clear()  # of a server that was not there


def test_without_scripts_the_page_comes_anew_by_itself(
    chromium: Browser, served: ServedDashboard
) -> None:
    with at_browser(chromium, served, with_scripts=False) as ada:
        page = ada.look("/lab")
        assert page.locator("noscript meta[http-equiv=refresh]").count() or (
            page.locator("meta[http-equiv=refresh]").count()
        )
