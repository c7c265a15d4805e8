"""Approving, changing, rejecting what is proposed, adding a point, while a real engine waits."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from orchestrator.core.approvals import why_wait_for_approval
from tests.support.browsing import acts_of, at_browser, last_seq, wait_for_record
from tests.support.lab_at_work import LabAtWork, lab_at_work

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
both = pytest.mark.parametrize("with_scripts", [True, False], ids=["scripts", "no scripts"])
GATED = '\n[approval]\ngate = "all"\n'


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabAtWork]:
    with lab_at_work(tmp_path_factory.mktemp("lab"), more=GATED) as work:
        yield work


def waiting(lab: LabAtWork) -> str:
    """Return a candidate that waits for a person, as soon as there is one."""
    lab.real.wait_until(lambda: bool(_waiting(lab)))
    return _waiting(lab)[0]


def _waiting(lab: LabAtWork) -> list[str]:
    state = lab.state()
    return [one.candidate_id for one in state.queue if why_wait_for_approval(state, one)]


@both
def test_approve(chromium: Browser, lab: LabAtWork, with_scripts: bool) -> None:
    candidate = waiting(lab)
    with at_browser(chromium, lab.served, with_scripts=with_scripts) as ada:
        page, before = ada.look(f"{lab.page}/why"), last_seq(lab.served)
        card = page.locator(f"article#{candidate.lower()}")
        expect(card.get_by_text("waits for approval")).to_be_visible()
        form = card.locator("form[action='/acts/approve']")
        form.get_by_label("Why, in your words").fill("it looks sound")
        form.get_by_role("button", name="Approve").click()
        assert f"{candidate} is approved" in ada.told()
        (approved,) = acts_of(lab.served, "CandidateApproved", before)
        said = approved.event.model_dump()
        assert (said["candidate_id"], said["reason"]) == (candidate, "it looks sound")
        wait_for_record(lab.served, "ExperimentStarted", before)


@both
def test_reject_with_a_reason(chromium: Browser, lab: LabAtWork, with_scripts: bool) -> None:
    candidate = waiting(lab)
    with at_browser(chromium, lab.served, with_scripts=with_scripts) as ada:
        page, before = ada.look(f"{lab.page}/why"), last_seq(lab.served)
        form = page.locator(f"article#{candidate.lower()} form[action='/acts/reject']")
        form.get_by_label("Why, in your words").fill("x2 is out of stock")
        form.get_by_role("button", name="Reject").click()
        assert "rejected" in ada.told()
        (rejected,) = acts_of(lab.served, "CandidateRejected", before)
        said = rejected.event.model_dump()
        assert (said["candidate_id"], said["reason"]) == (candidate, "x2 is out of stock")


@both
def test_edit_with_a_reason(chromium: Browser, lab: LabAtWork, with_scripts: bool) -> None:
    candidate = waiting(lab)
    with at_browser(chromium, lab.served, with_scripts=with_scripts) as ada:
        page, before = ada.look(f"{lab.page}/why"), last_seq(lab.served)
        card = page.locator(f"article#{candidate.lower()}")
        card.get_by_text("Change it before it is made").click()
        form = card.locator("form[action='/acts/edit']")
        wanted = [0.3, 0.0, 0.2, 0.0, 0.1, 0.4] if with_scripts else [0.1, 0.5, 0.0, 0.0, 0.2, 0.2]
        for number, value in enumerate(wanted, 1):
            form.locator(f"input[name='changes.x{number}']").fill(str(value))
        form.get_by_label("Why, in your words").fill("nearer to the best one")
        form.get_by_role("button", name="Make it so").click()
        assert "changed and approved" in ada.told()
        (edited,) = acts_of(lab.served, "CandidateEdited", before)
        said = edited.event.model_dump()
        assert (said["candidate_id"], said["reason"]) == (candidate, "nearer to the best one")


@both
def test_a_point_of_one_s_own(chromium: Browser, lab: LabAtWork, with_scripts: bool) -> None:
    with at_browser(chromium, lab.served, with_scripts=with_scripts) as ada:
        page, before = ada.look(f"{lab.page}/why"), last_seq(lab.served)
        page.get_by_text("Add a point of your own").click()
        form = page.locator("form[action='/acts/add_point']")
        wanted = [0.5, 0.1, 0.0, 0.0, 0.2, 0.2] if with_scripts else [0.0, 0.4, 0.1, 0.3, 0.2, 0.0]
        for number, value in enumerate(wanted, 1):
            form.locator(f"input[name='point.x{number}']").fill(str(value))
        form.get_by_label("Why, in your words").fill("a hunch")
        form.get_by_role("button", name="Add it").click()
        assert "is added and approved" in ada.told()
        (added,) = acts_of(lab.served, "PointAdded", before)
        said = added.event.model_dump()
        assert said["reason"] == "a hunch"
        assert [said["point"][f"x{number}"] for number in range(1, 7)] == wanted
        started = wait_for_record(lab.served, "ExperimentStarted", added.seq, timeout_s=90.0)
        assert started.actor != "ada"
