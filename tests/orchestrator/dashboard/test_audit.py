"""The audit page: records in words, filters, pages, the chain, and all of it to take."""

import csv
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from orchestrator.core.events import PauseRequested, campaign_stream
from orchestrator.dashboard.api.audit_routes import Verifier
from orchestrator.log.event_log import EventLog
from orchestrator.service.audit_trail import TrailFilter, seq_before, trail, trail_page
from tests.support.dashboard import Browser, dashboard_of
from tests.support.recorded_campaign import record_campaign


def record_some(log: EventLog) -> None:
    campaign = record_campaign(log, n=20, ends=False)
    campaign.append(PauseRequested(reason="=cmd|' /c calc'!A0 <b>"))


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with dashboard_of(tmp_path, record_some) as found:
        yield found


def test_pages_go_back_to_the_first_record_without_a_gap(browser: Browser) -> None:
    with browser.parts.open_lab("ada", None) as lab:
        seqs, before = [], None
        while True:
            found = trail_page(lab, TrailFilter(), before=before, limit=37)
            seqs += [event.seq for event in found.items]
            before = found.next_before
            if before is None:
                break
        last = lab.last_seq()

    assert seqs == list(range(last, 0, -1))


def test_filters_say_the_same_as_the_whole_log(browser: Browser) -> None:
    with browser.parts.open_lab("ada", None) as lab:
        wanted = TrailFilter(kind="JobFinished", text="e0003 DONE")
        found = trail_page(lab, wanted)
        whole = list(trail(lab, wanted))

    assert whole
    assert {event.kind for event in whole} == {"JobFinished"}
    assert list(found.items) == whole[::-1]


def test_a_time_leads_to_its_place(browser: Browser) -> None:
    with browser.parts.open_lab("ada", None) as lab:
        events = list(lab.events())
        for event in events[::50]:
            later = [one.seq for one in events if one.time > event.time]
            assert seq_before(lab, event.time) == min(later, default=lab.last_seq() + 1)


def test_records_are_shown_in_words_and_escaped(browser: Browser) -> None:
    text = browser.get("/audit").text

    assert "&lt;b&gt;" in text
    assert "<b>" not in text
    assert "PauseRequested" in text


def test_the_filter_of_the_page_is_kept_by_its_links(browser: Browser) -> None:
    (line,) = browser.parts.live.campaigns()
    text = browser.get(f"/audit?campaign={line.campaign_id}&kind=JobStarted").text

    assert "CampaignOpened" not in text.partition("<tbody>")[2].partition("</tbody>")[0]
    assert f"campaign={line.campaign_id}&amp;kind=JobStarted" in text


@pytest.mark.parametrize(
    "query", ["kind=Nonsense", "campaign=none", "until=soon", "until=99999-01-01", "before=x"]
)
def test_a_wrong_filter_is_named(browser: Browser, query: str) -> None:
    answer = browser.get(f"/audit?{query}")

    assert answer.status_code in (409, 422)
    assert query.partition("=")[0] in answer.text


def test_all_records_can_be_taken_as_lines(browser: Browser) -> None:
    answer = browser.get("/audit/export?format=jsonl")

    events = [json.loads(line) for line in answer.text.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, browser.parts.live.refresh() + 1))
    assert "attachment" in answer.headers["content-disposition"]


def test_no_cell_of_the_table_is_a_formula(browser: Browser) -> None:
    (line,) = browser.parts.live.campaigns()
    text = browser.get(f"/audit/export?format=csv&campaign={line.campaign_id}").text

    rows = list(csv.reader(StringIO(text)))
    assert rows[0][0] == "seq"
    assert {row[3] for row in rows[1:]} == {campaign_stream(line.campaign_id)}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]


def test_the_chain_is_checked_on_demand(browser: Browser) -> None:
    assert "has not checked" in browser.get("/audit").text

    answer = browser.post("/audit/verify", data={"csrf": browser.csrf})
    verifier: Verifier = browser.app.state.verifier
    verifier.wait(30.0)

    assert answer.status_code == 303
    text = browser.get("/parts/audit/chain").text
    assert "each fitting the one before" in text
