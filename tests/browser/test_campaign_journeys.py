"""What an operator does to a campaign at work and to its bench, by real clicks and keys."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browsing import Person, acts_of, at_browser, last_seq, wait_for_record
from tests.support.lab_at_work import LabAtWork, lab_at_work

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
both = pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no scripts"])


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabAtWork]:
    with lab_at_work(tmp_path_factory.mktemp("lab")) as work:
        yield work


@pytest.fixture
def lab(work: LabAtWork) -> LabAtWork:
    work.be_running()
    return work


@both
def test_pause_and_go_on(chromium: Browser, lab: LabAtWork, with_scripts: bool) -> None:
    with at_browser(chromium, lab.served, with_scripts=with_scripts) as ada:
        page, before = ada.look(lab.page), last_seq(lab.served)
        said = page.locator("form[action='/acts/pause'] .hint").inner_text()
        assert "begins no other" in said or "none is begun" in said
        ada.press("Pause")
        assert "pause requested" in ada.told()
        (asked,) = acts_of(lab.served, "PauseRequested", before)
        paused = wait_for_record(lab.served, "CampaignPaused", before)
        assert paused.seq > asked.seq
        ada.look(lab.page)
        expect(page.locator("dl.strip .badge", has_text="paused").first).to_be_visible()
        ada.press("Resume")
        ada.told()
        (asked,) = acts_of(lab.served, "ResumeRequested", before)
        wait_for_record(lab.served, "JobStarted", asked.seq)


@both
def test_hold_by_the_keyboard(chromium: Browser, lab: LabAtWork, with_scripts: bool) -> None:
    with at_browser(chromium, lab.served, with_scripts=with_scripts) as ada:
        page, before = ada.look(lab.page), last_seq(lab.served)
        page.get_by_role("button", name="Hold", exact=True).focus()
        page.keyboard.press("Enter")
        assert "hold requested" in ada.told()
        assert len(acts_of(lab.served, "HoldRequested", before)) == 1
        wait_for_record(lab.served, "CampaignHeld", before)


@both
def test_stop_asks_twice_wants_a_reason_and_ends_the_campaign(
    chromium: Browser, lab: LabAtWork, with_scripts: bool
) -> None:
    with at_browser(chromium, lab.served, with_scripts=with_scripts) as ada:
        page, before = ada.look(lab.page), last_seq(lab.served)
        ada.press("Stop for good…")
        expect(page.get_by_text("ends the campaign for good")).to_be_visible()
        assert acts_of(lab.served, "StopRequested", before) == []
        page.get_by_role("link", name="No, go back").click()
        expect(page).to_have_url(f"{lab.served.url}{lab.page}")
        ada.press("Stop for good…")
        if not with_scripts:
            ada.expected = {422}
        page.get_by_label("Why, in your words").fill("   ")
        ada.expected = {422}
        ada.press("Do it")
        expect(page.get_by_text("It needs a reason")).to_be_visible()
        assert acts_of(lab.served, "StopRequested", before) == []
        ada.confirm("the cell leaks")
        assert "stop requested" in ada.told()
        (asked,) = acts_of(lab.served, "StopRequested", before)
        assert asked.event.model_dump()["reason"] == "the cell leaks"
        wait_for_record(lab.served, "CampaignStopped", before)


def asked_in_the_middle_of_a_job(ada: Person, lab: LabAtWork) -> None:
    """Leave the abort's question open, come to while a job ran: between two jobs it says so."""
    for _ in range(20):
        page = ada.look(lab.page)
        ada.press("Abort now…")
        expect(page.get_by_text("makes the bench safe and ends the campaign")).to_be_visible()
        if page.get_by_text("cuts off").is_visible():
            return
        assert page.get_by_text("no job runs").is_visible()
    pytest.fail("in twenty tries no job ran")


@both
def test_abort_cuts_off_and_ends_the_campaign(
    chromium: Browser, lab: LabAtWork, with_scripts: bool
) -> None:
    with at_browser(chromium, lab.served, with_scripts=with_scripts) as ada:
        before = last_seq(lab.served)
        asked_in_the_middle_of_a_job(ada, lab)
        ada.confirm("smoke")
        ada.told()
        (asked,) = acts_of(lab.served, "AbortRequested", before)
        assert asked.event.model_dump()["reason"] == "smoke"
        wait_for_record(lab.served, "CampaignAborted", before)


@both
def test_emergency_stop_from_any_page_and_clear_the_latch(
    chromium: Browser, lab: LabAtWork, with_scripts: bool
) -> None:
    with at_browser(chromium, lab.served, with_scripts=with_scripts) as ada:
        page, before = ada.look("/campaigns"), last_seq(lab.served)
        ada.press("Emergency stop…")
        expect(page.get_by_text("makes every rig of this laboratory safe")).to_be_visible()
        ada.confirm("fire")
        assert "latch is set" in ada.told()
        latched = acts_of(lab.served, "LatchSet", before)  # the station may note it too
        assert {one.event.model_dump()["reason"] for one in latched} == {"fire"}
        page = ada.look("/lab")
        expect(page.get_by_text("stopped").first).to_be_visible()
        ada.press("Clear the latch…")
        expect(page.get_by_text("go and look at the bench first")).to_be_visible()
        ada.confirm("it was toast")
        assert "cleared" in ada.told()
        cleared = acts_of(lab.served, "LatchCleared", before)
        assert {one.event.model_dump()["reason"] for one in cleared} == {"it was toast"}


@both
def test_take_an_instrument_out_and_put_it_back(
    chromium: Browser, lab: LabAtWork, with_scripts: bool
) -> None:
    with at_browser(chromium, lab.served, with_scripts=with_scripts) as ada:
        page, before = ada.look("/lab"), last_seq(lab.served)
        card = page.locator(
            "article.lab-instrument", has=page.get_by_role("heading", name="pump_x6", exact=True)
        )
        card.locator("summary").click()
        card.get_by_role("button", name="Take out of service…").click()
        expect(page.get_by_text("no job is sent to pump_x6")).to_be_visible()
        ada.confirm("it squeaks")
        assert "out of service" in ada.told()
        (out,) = acts_of(lab.served, "InstrumentTakenOut", before)
        assert out.event.model_dump()["reason"] == "it squeaks"
        assert out.event.model_dump()["instrument"] == "pump_x6"
        page = ada.look("/lab")
        expect(card.get_by_text("out of service").first).to_be_visible()
        card.locator("summary").click()
        card.get_by_role("button", name="Put back into service").click()
        ada.told()
        assert len(acts_of(lab.served, "InstrumentPutBack", before)) == 1


def test_of_two_people_with_the_same_page_the_later_one_is_told_and_not_obeyed(
    chromium: Browser, lab: LabAtWork
) -> None:
    begun = last_seq(lab.served)
    lab.act("hold", campaign_id=lab.campaign_id)
    wait_for_record(lab.served, "CampaignHeld", begun)
    with (
        at_browser(chromium, lab.served, "ada", with_scripts=False) as ada,
        at_browser(chromium, lab.served, "grace", with_scripts=False) as grace,
    ):
        ada.look(lab.page)
        page = grace.look(lab.page)
        before = last_seq(lab.served)
        ada.press("Stop for good…")
        ada.confirm("the cell leaks")
        ada.told()
        grace.expected = {409}
        grace.press("Resume")
        expect(page.get_by_role("heading", name="Somebody else was quicker")).to_be_visible()
        expect(page.get_by_text("ada").first).to_be_visible()
        assert acts_of(lab.served, "ResumeRequested", before, "grace") == []


def test_a_safer_act_is_obeyed_from_a_stale_page(chromium: Browser, lab: LabAtWork) -> None:
    with (
        at_browser(chromium, lab.served, "ada", with_scripts=False) as ada,
        at_browser(chromium, lab.served, "grace", with_scripts=False) as grace,
    ):
        ada.look(lab.page)
        grace.look(lab.page)
        before = last_seq(lab.served)
        ada.press("Pause")
        ada.told()
        grace.press("Stop for good…")
        grace.confirm("the cell leaks")
        assert "stop requested" in grace.told()
        assert len(acts_of(lab.served, "StopRequested", before, "grace")) == 1
