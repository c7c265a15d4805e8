"""The list of campaigns."""

from pathlib import Path

import pytest

from orchestrator.log.event_log import EventLog
from tests.support.dashboard import dashboard_of
from tests.support.recorded_campaign import RecordedCampaign, record_campaign


def two(log: EventLog) -> None:
    """Record a campaign that has ended and one that is under way."""
    record_campaign(log, "old-1", n=2)
    record_campaign(log, "new-2", n=1, ends=False)


def many(log: EventLog) -> None:
    """Record more campaigns than a page has."""
    for number in range(53):
        RecordedCampaign(log, f"c-{number:02}").open()


def test_without_a_campaign_it_says_what_to_do(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        text = browser.get("/campaigns").text
    assert "No campaign yet" in text
    assert 'href="/new"' in text


def test_the_one_written_to_last_is_first(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, two) as browser:
        text = browser.get("/campaigns").text
    assert text.index("new-2") < text.index("old-1")
    assert "finished" in text
    assert "unattended" in text
    assert "simulated" in text


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("show=ended", "old-1", "new-2"),
        ("show=going", "new-2", "old-1"),
        ("text=OLD", "old-1", "new-2"),
        ("show=nonsense&text=unattended", "new-2", "old-1"),
    ],
)
def test_it_can_be_narrowed(tmp_path: Path, query: str, shown: str, hidden: str) -> None:
    with dashboard_of(tmp_path, two) as browser:
        text = browser.get(f"/parts/campaigns/list?{query}").text
    assert shown in text
    assert hidden not in text


def test_what_fits_nothing_is_said_to(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, two) as browser:
        assert "No campaign is like that" in browser.get("/campaigns?text=copper").text
        assert browser.get("/campaigns?number=0").status_code == 422


@pytest.mark.slow
def test_a_long_list_has_pages(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, many) as browser:
        first = browser.get("/campaigns").text
        second = browser.get("/campaigns?number=2").text
        beyond = browser.get("/campaigns?number=99").text
    assert "page 1 of 2" in first
    assert "c-52" in first
    assert "c-02" not in first
    assert "c-02" in second
    assert "page 2 of 2" in beyond
