"""One campaign at a glance: filter, axes, slices, and what a person may do."""

from pathlib import Path

import pytest

from orchestrator.access.roles import Role
from orchestrator.log.event_log import EventLog
from tests.support.dashboard import dashboard_of
from tests.support.judged_campaign import record_judged
from tests.support.recorded_campaign import RecordedCampaign, record_campaign

PAGE = "/campaigns/small-1"


def under_way(log: EventLog) -> None:
    """Record a campaign of twelve experiments that goes on."""
    record_campaign(log, ends=False)


def only_opened(log: EventLog) -> None:
    """Record a campaign in which nothing was made."""
    RecordedCampaign(log, "small-1").open()


def test_the_page_tells_state_rig_planner_and_the_best(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        text = browser.get(PAGE).text
    for said in ("small-bench", "simulated", "unattended", "seed 7", "Best so far", "12 started"):
        assert said in text
    assert "Three oxides &lt;b&gt;and&lt;/b&gt; a furnace" in text
    assert 'aria-label="experiments"' in text


def test_a_campaign_without_results_says_so(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, only_opened) as browser:
        text = browser.get(PAGE).text
        for page in ("experiments", "why", "model"):
            assert browser.get(f"{PAGE}/{page}").status_code == 200
    assert "Nothing was measured yet" in text
    assert "data-plot" not in text


@pytest.mark.parametrize("page", ["", "/experiments", "/why", "/model"])
def test_an_unknown_campaign_is_not_found(tmp_path: Path, page: str) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        answer = browser.get(f"/campaigns/other-9{page}")
    assert answer.status_code == 404
    assert "other-9" in answer.text


def test_a_filter_leaves_what_keeps_its_bounds(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        everything = browser.get(PAGE).text
        strict = browser.get(f"{PAGE}?max.overpotential_v=0.37&min.Ni=0.1&must_meet=no").text
    assert "of 10 that the filter lets through" in everything
    assert "of 10 that the filter lets through" not in strict
    assert 'value="0.37"' in strict
    assert "/plots/small-1/front?max.overpotential_v=0.37&amp;min.Ni=0.1&amp;must_meet=no" in strict


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("max.overpotential_v=abc", "expected a number"),
        ("max.overpotential_v=nan", "expected a number"),
        ("min.nothing=1", "bound: got &#39;nothing&#39;"),
        ("x=cost_usd_per_mol&y=cost_usd_per_mol", "for both axes"),
        ("a=Ni&b=Ni&c=Fe", "three different ones"),
        ("hold.Xx=0.1", "hold: got Xx"),
        ("tolerance=-1", "expected at least 0"),
    ],
)
def test_a_wrong_query_is_named_and_nothing_is_left_out(
    tmp_path: Path, query: str, said: str
) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        answer = browser.get(f"{PAGE}?{query}")
    assert answer.status_code == 200
    assert said in answer.text
    assert "of 10 that the filter lets through" in answer.text


def test_one_form_carries_what_the_others_asked(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        text = browser.get(f"{PAGE}?by=hours&max.Ni=0.5&a=Fe&b=Ni&c=Co").text
    assert '<input type="hidden" name="by" value="hours">' in text
    assert '<input type="hidden" name="max.Ni" value="0.5">' in text
    assert '<input type="hidden" name="a" value="Fe">' in text
    assert "/plots/small-1/hypervolume?by=hours" in text


def test_buttons_say_what_they_will_do(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way) as browser:
        text = browser.get("/parts/campaign/small-1/header").text
    assert 'action="/acts/pause"' in text
    assert "ends the campaign for good" in text


def test_who_may_only_look_cannot_press(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way, role=Role.VIEWER) as browser:
        text = browser.get(PAGE).text
    assert "disabled" in text
    assert "viewer may not" in text


def test_an_ended_campaign_offers_nothing(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_campaign) as browser:
        text = browser.get(PAGE).text
    assert 'action="/acts/pause"' not in text
    assert "It has ended: enough were made." in text


def test_what_waits_for_a_person_is_said_first(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, record_judged) as browser:
        assert "Waits for a person" in browser.get(PAGE).text
