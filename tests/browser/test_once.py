"""What hands do in a hurry: press twice, send again, type while everything moves."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, expect

from orchestrator.core.events import ResumeRequested, campaign_stream
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.browsing import acts_of, at_browser, last_seq
from tests.support.recorded_campaign import record_campaign
from tests.support.served_dashboard import ServedDashboard

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
both = pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no scripts"])
PAGE = "/campaigns/small-1"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDashboard]:
    database = tmp_path_factory.mktemp("lab") / "lab.db"
    log = open_sqlite_log(database)
    record_campaign(log, ends=False)
    log.close()
    with ServedDashboard(database) as served:
        yield served


def say(served: ServedDashboard, n: int = 1) -> None:
    """Have the campaign go on again, as a person elsewhere asks, long before the page is made."""
    log = open_sqlite_log(served.database, must_exist=True)
    for _ in range(n):
        log.append(
            campaign_stream("small-1"),
            [ResumeRequested(reason="to begin with")],
            time=datetime.now(UTC),
            actor="bob",
            is_simulated=True,
        )
    log.close()


@both
def test_a_button_that_is_pressed_twice_acts_once(
    chromium: Browser, served: ServedDashboard, with_scripts: bool
) -> None:
    say(served)
    with at_browser(chromium, served, with_scripts=with_scripts) as ada:
        page, before = ada.look(PAGE), last_seq(served)
        page.get_by_role("button", name="Pause", exact=True).dblclick(no_wait_after=True)
        ada.told()
        assert len(acts_of(served, "PauseRequested", before)) == 1


@both
def test_a_form_that_is_sent_again_acts_once(
    chromium: Browser, served: ServedDashboard, with_scripts: bool
) -> None:
    button, kind = (
        ("Stop for good…", "StopRequested") if with_scripts else ("Abort now…", "AbortRequested")
    )
    with at_browser(chromium, served, with_scripts=with_scripts) as ada:
        page, before = ada.look(PAGE), last_seq(served)
        ada.press(button)
        form = page.locator("main form")
        said = {
            one.get_attribute("name"): one.input_value() for one in form.locator("[name]").all()
        }
        ada.confirm("enough")
        ada.told()
        again = page.context.request.post(
            f"{served.url}/acts/{kind.removesuffix('Requested').lower()}",
            form={**said, "reason": "enough"},
            headers={"Origin": served.url},
        )
        assert "done before" in again.text()
        assert len(acts_of(served, kind, before)) == 1


@pytest.mark.parametrize("path", [f"{PAGE}/experiments/E0002", f"{PAGE}/why"])
def test_what_somebody_types_stays_while_the_log_moves(
    chromium: Browser, served: ServedDashboard, path: str
) -> None:
    with at_browser(chromium, served) as ada:
        page = ada.look(path)
        for summary in page.locator("main details:not([open]) > summary").all():
            if summary.is_visible():
                summary.click()
        words = page.locator("textarea[name=reason]:visible").first
        words.fill("half a sent")
        words.focus()
        say(served, 10)
        page.wait_for_timeout(2500)
        page.keyboard.type("ence")
        expect(words).to_have_value("half a sentence")
        expect(words).to_be_focused()
