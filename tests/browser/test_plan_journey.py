"""Somebody asks why a sample does not go on: from the campaign to the plan, with scripts or not."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from orchestrator.log.sql_log import open_sqlite_log
from tests.support.browsing import at_browser
from tests.support.planned_bench import PlannedBench, record_furnace
from tests.support.served_dashboard import ServedDashboard

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
WHY = "no room at furnace: E0001, E0002"


def _trouble(bench: PlannedBench) -> None:
    bench.open("urgent-1", priority=5)
    bench.start("urgent-1", 1, dosed_hours=-0.25, temperature_c=700.0)
    bench.start("urgent-1", 2)
    bench.break_("doser")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDashboard]:
    database = tmp_path_factory.mktemp("lab") / "lab.db"
    log = open_sqlite_log(database)
    record_furnace(log, _trouble)
    log.close()
    with ServedDashboard(database) as served:
        yield served


@pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no scripts"])
def test_from_a_campaign_to_the_whole_plan(
    chromium: Browser, served: ServedDashboard, with_scripts: bool
) -> None:
    with at_browser(chromium, served, with_scripts=with_scripts) as person:
        page = person.look("/campaigns/small-1/experiments/E0003")
        expect(page.get_by_text(f"Why not yet: {WHY}")).to_be_visible()

        page = person.look("/campaigns/small-1")
        expect(page.get_by_text(WHY)).to_be_visible()
        page.get_by_role("link", name="The whole plan").click()

        expect(page.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
        expect(page.get_by_role("img", name="Plan of 3 instruments of dice")).to_be_visible()
        expect(page.get_by_text("doser is out of service: it smokes").first).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_full_plan_is_fit_for_everybody_and_for_a_phone(
    chromium: Browser, served: ServedDashboard, theme: str
) -> None:
    with at_browser(chromium, served, theme=theme, size=(360, 740)) as person:
        page = person.look("/plan")
        too_wide = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        found = Axe().run(page).response["violations"]

        assert too_wide <= 0
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
