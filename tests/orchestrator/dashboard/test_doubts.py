"""The page of what is in doubt, and its three answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.access.roles import Role
from orchestrator.core.events import DoubtAnswered, JobFailed, JobFinished
from orchestrator.log.event_log import EventLog
from tests.support.dashboard import Browser, dashboard_of
from tests.support.recorded_campaign import record_campaign


def record_doubt(log: EventLog) -> None:
    campaign = record_campaign(log, n=3, ends=False)
    campaign.leave_in_doubt(campaign.start())


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with dashboard_of(tmp_path, record_doubt) as found:
        yield found


def the_doubt(browser: Browser) -> tuple[str, str]:
    """Return the campaign and the job that is in doubt."""
    (line,) = browser.parts.live.campaigns()
    (doubt,) = browser.parts.live.campaign(line.campaign_id).in_doubt
    return line.campaign_id, doubt.job_id


def test_without_a_doubt_the_page_says_so(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        assert "Nothing is in doubt" in browser.get("/doubts").text


def test_a_doubt_shows_its_evidence_and_what_each_answer_does(browser: Browser) -> None:
    campaign_id, job_id = the_doubt(browser)
    (doubt,) = browser.parts.live.campaign(campaign_id).in_doubt

    text = browser.get("/doubts").text

    assert job_id in text
    for words in (doubt.evidence, *doubt.answers.values()):
        assert words.replace("'", "&#39;") in text
    assert text.count('name="answer"') == 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("ran", JobFinished), ("did_not_run", JobFailed), ("scrap_sample", JobFailed)],
)
def test_an_answer_stands_in_the_log_with_who_and_why(
    browser: Browser, answer: str, kind: type
) -> None:
    campaign_id, job_id = the_doubt(browser)

    asked = browser.act("answer_doubt", campaign_id=campaign_id, job_id=job_id, answer=answer)
    done = browser.act(
        "answer_doubt",
        campaign_id=campaign_id,
        job_id=job_id,
        answer=answer,
        reason="the vessel is full",
        confirmed="yes",
    )

    assert 'name="confirmed"' in asked.text
    assert done.status_code == 303
    with browser.parts.open_lab("ada", None) as lab:
        last = list(lab.records(f"campaign/{campaign_id}"))[-2:]
    assert [type(record.event) for record in last] == [DoubtAnswered, kind]
    assert {record.actor for record in last} == {"ada"}
    assert "Nothing is in doubt" in browser.get("/doubts").text


def test_a_page_is_told_when_somebody_else_has_answered(browser: Browser) -> None:
    campaign_id, job_id = the_doubt(browser)
    text = browser.get("/doubts").text
    address = text.partition('hx-get="')[2].partition('"')[0].replace("&amp;", "&")
    assert "has changed" not in browser.get(address).text

    with Browser(browser.parts, role=Role.OPERATOR, name="bob") as other:
        other.act(
            "answer_doubt",
            campaign_id=campaign_id,
            job_id=job_id,
            answer="ran",
            reason="it is full",
            confirmed="yes",
        )

    assert "has changed" in browser.get(address).text


def test_a_viewer_sees_the_evidence_and_cannot_answer(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_doubt, role=Role.VIEWER) as browser:
        campaign_id, job_id = the_doubt(browser)
        assert "viewer may not" in browser.get("/doubts").text
        refused = browser.act("answer_doubt", campaign_id=campaign_id, job_id=job_id, answer="ran")
    assert refused.status_code == 403
