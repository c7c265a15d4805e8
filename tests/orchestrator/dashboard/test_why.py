"""Why each sample is made, and what a person says to it."""

import re
from pathlib import Path

import pytest

from orchestrator.log.event_log import EventLog
from tests.support.dashboard import dashboard_of
from tests.support.judged_campaign import record_judged
from tests.support.recorded_campaign import record_campaign

PAGE = "/campaigns/small-1/why"
POINT = {"point.Ni": "0.2", "point.Fe": "0.3", "point.Co": "0.5", "point.furnace_c": "450"}


def card_of(text: str, candidate: str) -> str:
    """Return the part of a page that is about a candidate."""
    return text.partition(f'id="{candidate.lower()}"')[2].partition("</article>")[0]


def test_what_waits_comes_first_with_what_speaks_for_it(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        text = browser.get(PAGE).text
    card = card_of(text, "C0015")
    assert text.index("Waits for a person") < text.index("Proposal 15")
    for said in ("better with a chance of", "nearest sample made before", "0.2908 to 0.3692"):
        assert said in card
    assert "every candidate is looked at" in card
    assert "(specification)" in card
    assert "(target)" in card
    assert "out of distribution" in card_of(text, "C0016")


def test_each_candidate_stands_once(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        ids = re.findall(r'<article class="card candidate" id="(\w+)"', browser.get(PAGE).text)
    assert len(ids) == len(set(ids))
    assert ids[:2] == ["c0015", "c0016"]


def test_older_proposals_are_a_page_away(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        text = browser.get(PAGE).text
        following = re.search(r'rel="next" href="([^"]*)"', text)
        assert following is not None
        older = browser.get(following[1]).text
    assert "Proposal 6<" in text
    assert "Proposal 5<" in older
    assert "These are the first ones." in older
    assert "No model had a say" in older


def test_approving_lets_it_be_made(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        answer = browser.act("approve", campaign_id="small-1", candidate_id="C0015", next_page=PAGE)
        assert answer.headers["location"] == PAGE
        text = browser.get(PAGE).text
    assert "approved by ada" in card_of(text, "C0015")
    assert "1 candidate;" in text


def test_an_edit_shows_what_was_proposed(tmp_path: Path) -> None:
    changes = {"changes.Ni": "0.4", "changes.Fe": "0.3"}
    with dashboard_of(tmp_path, record_judged) as browser:
        refused = browser.act(
            "edit", campaign_id="small-1", candidate_id="C0015", reason="why not", **changes
        )
        assert refused.status_code == 409
        assert "a sum of" in refused.text
        browser.act(
            "edit",
            campaign_id="small-1",
            candidate_id="C0015",
            reason="nickel is scarce",
            **changes,
            **{"changes.Co": "0.3"},
        )
        card = card_of(browser.get(PAGE).text, "C0015")
    assert "Changed by ada" in card
    assert "nickel is scarce" in card
    assert "ada chose it" in card


def test_a_rejected_one_offers_nothing_more(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        browser.act("reject", campaign_id="small-1", candidate_id="C0016", reason="too far out")
        card = card_of(browser.get(PAGE).text, "C0016")
    assert "rejected by ada" in card
    assert "too far out" in card
    assert "<form" not in card


def test_a_point_of_ones_own_is_added_once(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        said = {"campaign_id": "small-1", "reason": "a hunch", **POINT}
        assert browser.act("add_point", **said).status_code == 303
        again = browser.act("add_point", **said)
        text = browser.get(PAGE).text
    assert again.status_code == 409
    assert "in the queue already" in again.text
    assert "Points that people added" in text
    assert "ada chose it" in card_of(text, "P0001")


@pytest.mark.parametrize("left_out", ["point.Co", "reason"])
def test_half_a_point_is_refused(tmp_path: Path, left_out: str) -> None:
    said = {"campaign_id": "small-1", "reason": "a hunch", **POINT, left_out: ""}
    with dashboard_of(tmp_path, record_judged) as browser:
        answer = browser.act("add_point", **said)
        assert answer.status_code in (409, 422)
        assert "Points that people added" not in browser.get(PAGE).text


def test_the_form_says_bounds_and_checks_its_sum(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        text = browser.get(PAGE).text
        assert browser.get("/static/js/sums.js").status_code == 200
    assert "0 to 1 in steps of 0.1" in text
    assert "300 to 600 in steps of 50 °C" in text
    assert "data-fraction" in text


def ended(log: EventLog) -> None:
    """Record a campaign that has ended."""
    record_campaign(log)


def test_nothing_can_be_added_to_an_ended_campaign(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, ended) as browser:
        text = browser.get(PAGE).text
        assert browser.get(f"{PAGE}?before=nonsense").status_code == 422
    assert 'action="/acts/add_point"' not in text
    assert "Proposal 12<" in text
