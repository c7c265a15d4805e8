"""From a file to a running campaign in a browser: mistakes named, mended, tried, started."""

import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browsing import acts_of, at_browser, last_seq, wait_for_record
from tests.support.real_lab import RealLab
from tests.support.served_dashboard import ServedDashboard

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
SPEED = 200.0
LONG_MS = 90_000


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealLab]:
    with RealLab(tmp_path_factory.mktemp("lab"), speed=SPEED, n_experiments=100) as real:
        try:
            yield real
        finally:
            for pid in real.pids():
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def served(real: RealLab) -> Iterator[ServedDashboard]:
    with ServedDashboard(real.database, ["--rig", real.rig, "--speed", SPEED]) as served:
        yield served


def upload(page: Page, name: str, text: str) -> None:
    page.get_by_text("Or upload files").click()
    file = {"name": name, "mimeType": "application/toml", "buffer": text.encode()}
    page.get_by_label("Campaign file", exact=True).set_input_files([file])
    page.get_by_role("button", name="Keep and check").click()


def named(real: RealLab, name: str) -> str:
    """Return a text of which there is no unfinished campaign."""
    return real.campaign.read_text(encoding="utf-8").replace(
        'name = "oer-plate"', f'name = "{name}"'
    )


@pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_file_is_uploaded_mended_tried_and_started(
    chromium: Browser, real: RealLab, served: ServedDashboard, with_scripts: bool
) -> None:
    name = "by-hand" if with_scripts else "by-form"
    before = last_seq(served)
    with at_browser(chromium, served, with_scripts=with_scripts) as ada:
        page = ada.look("/new")
        upload(page, f"{name}.toml", named(real, name).replace("pump_waste", "pump_waist"))
        expect(page.get_by_text("cannot be used")).to_be_visible(timeout=LONG_MS)
        expect(page.locator("#check-result")).to_contain_text("pump_waist")
        expect(page.get_by_role("heading", name="Start it")).to_have_count(0)

        page.wait_for_load_state("load")
        page.get_by_label("Campaign file (TOML)").fill(named(real, name))
        if with_scripts:
            expect(page.locator("#check-result")).to_contain_text("sound", timeout=LONG_MS)
        page.get_by_role("button", name="Keep and check").click()
        check = page.locator("#check-result")
        expect(check).to_contain_text("sound", timeout=LONG_MS)
        for said in ("Experiments", "Time", "Money", "Enough"):
            expect(check).to_contain_text(said)
        assert acts_of(served, "CampaignOpened", before) == [], "nothing has begun"

        page.get_by_label("At most so many experiments").fill("3")
        page.get_by_role("button", name="Dry-run").click()
        try_it(page, with_scripts=with_scripts)
        page.get_by_role("link", name="Report").click()
        expect(page.get_by_text("Pareto").first).to_be_visible(timeout=LONG_MS)
        assert acts_of(served, "CampaignOpened", before) == [], "a dry-run has its own log"

        page = ada.look("/new")
        page.get_by_role("link", name=f"{name}/2", exact=True).click()
        expect(page.get_by_role("heading", name="Start it")).to_be_visible(timeout=LONG_MS)
        ada.press("Start…")
        expect(page.get_by_text("begins at once")).to_be_visible()
        ada.confirm("the first try by hand")
        opened = wait_for_record(served, "CampaignOpened", before)
        assert opened.actor == "ada"
        wait_for_record(served, "JobStarted", opened.seq)
        page = ada.look("/lab")
        expect(page.get_by_text(f"{name}-1").first).to_be_visible()


def try_it(page: Page, *, with_scripts: bool) -> None:
    """Wait until a dry-run has ended; without scripts the page is loaded anew."""
    link = page.get_by_role("link", name="Report")
    if with_scripts:
        expect(link).to_be_visible(timeout=LONG_MS)
        return
    for _ in range(120):
        if link.count():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError("the dry-run did not end")
