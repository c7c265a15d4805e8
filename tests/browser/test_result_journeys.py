"""Correcting what was measured, and giving results by hand, over a recorded campaign."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from orchestrator.log.sql_log import open_sqlite_log
from tests.support.browsing import acts_of, at_browser, last_seq
from tests.support.recorded_campaign import record_campaign
from tests.support.served_dashboard import ServedDashboard

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
both = pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no scripts"])
EXPERIMENTS = "/campaigns/small-1/experiments"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDashboard]:
    database = tmp_path_factory.mktemp("lab") / "lab.db"
    log = open_sqlite_log(database)
    campaign = record_campaign(log, ends=False)
    campaign.fail(campaign.start())
    campaign.fail(campaign.start())
    log.close()
    with ServedDashboard(database) as served:
        yield served


@both
def test_amend_with_an_uncertainty(
    chromium: Browser, served: ServedDashboard, with_scripts: bool
) -> None:
    with at_browser(chromium, served, with_scripts=with_scripts) as ada:
        page, before = ada.look(EXPERIMENTS), last_seq(served)
        page.get_by_role("link", name="E0002", exact=True).click()
        value = "0.401" if with_scripts else "0.402"
        page.locator("input[name='values.overpotential_v.value']").fill(value)
        page.locator("input[name='values.overpotential_v.sd']").fill("0.002")
        form = page.locator("form[action='/acts/amend']")
        form.get_by_label("Why, in your words").fill("the area was wrong")
        form.get_by_role("button", name="Amend").click()
        assert "amended" in ada.told()
        (amended,) = acts_of(served, "ObservationAmended", before)
        said = amended.event.model_dump_json()
        assert value in said
        assert "0.002" in said
        assert "the area was wrong" in said


@both
def test_retract_asks_twice(chromium: Browser, served: ServedDashboard, with_scripts: bool) -> None:
    experiment = "E0003" if with_scripts else "E0004"
    with at_browser(chromium, served, with_scripts=with_scripts) as ada:
        page, before = ada.look(f"{EXPERIMENTS}/{experiment}"), last_seq(served)
        ada.press("Take the result back…")
        expect(page.get_by_text(f"no model learns from {experiment}")).to_be_visible()
        ada.confirm("the vessel was dirty")
        assert "retracted" in ada.told()
        (taken,) = acts_of(served, "ObservationRetracted", before)
        said = taken.event.model_dump()
        assert (said["experiment_id"], said["reason"]) == (experiment, "the vessel was dirty")


@both
def test_a_result_by_hand_in_another_unit(
    chromium: Browser, served: ServedDashboard, with_scripts: bool
) -> None:
    experiment = "E0013" if with_scripts else "E0014"
    with at_browser(chromium, served, with_scripts=with_scripts) as ada:
        page, before = ada.look(f"{EXPERIMENTS}/{experiment}"), last_seq(served)
        form = page.locator("form[action='/acts/give_result']")
        form.locator("input[name='values.overpotential_v.value']").fill("377")
        form.locator("input[name='values.overpotential_v.unit']").fill("mV")
        form.locator("input[name='values.overpotential_v.sd']").fill("4")
        form.locator("input[name='values.adhesion_fraction.value']").fill("0.8")
        form.get_by_label("Why, in your words").fill("measured on the old bench")
        form.get_by_role("button", name="Give the result").click()
        ada.told()
        (given,) = acts_of(served, "ObservationGiven", before)
        said = given.event.model_dump_json()
        assert "0.377" in said
        assert "0.004" in said
        assert "measured on the old bench" in said
