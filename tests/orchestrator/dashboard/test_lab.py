"""The page of the laboratory, as a browser gets it."""

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.access.roles import Role
from orchestrator.core.events import (
    LAB_STREAM,
    InstrumentLost,
    InstrumentTakenOut,
    JobStarted,
    LatchCleared,
    LatchSet,
    PlacesLeftUnclean,
)
from orchestrator.log.event_log import EventLog
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from tests.support.dashboard import Browser, dashboard_of
from tests.support.recorded_campaign import CAMPAIGN_ID, OPENED, RecordedCampaign
from tests.support.standing_clock import StandingClock

NOW = OPENED + timedelta(minutes=26)
PARTS = ("strip", "needs", "campaigns", "instruments", "bench", "wall")


def under_way(log: EventLog) -> None:
    """Record a campaign whose engine lives and whose second sample is being dosed."""
    campaign = RecordedCampaign(log, is_simulated=False)
    campaign.open()
    campaign.finish(campaign.start(), 0.4)
    experiment_id = campaign.start()
    campaign.do_jobs(experiment_id, "tare")
    campaign.append(JobStarted(job_id=f"{experiment_id}/dose", attempt=1, epoch=1))
    assert isinstance(log, SqliteLog)
    log.beat(f"engine/{CAMPAIGN_ID}", pid=7, host="elsewhere", time=NOW)


def troubled(log: EventLog) -> None:
    """Record a laboratory in which nearly everything is amiss."""
    under_way(log)
    campaign = RecordedCampaign(log, "other-1", is_simulated=False)
    campaign.time = OPENED + timedelta(minutes=20)
    campaign.open()
    campaign.leave_in_doubt(campaign.start())
    campaign.append(
        InstrumentLost(instrument="balance", reason="<b>no</b> reply"),
        InstrumentTakenOut(instrument="source_meter", reason="serviced"),
        PlacesLeftUnclean(places=("a1", "a2"), campaign_id=CAMPAIGN_ID, experiment_id="E0001"),
        LatchSet(source="operator", reason="smoke"),
        stream=LAB_STREAM,
    )


def clock() -> StandingClock:
    """Return a clock two minutes after the dosing began."""
    return StandingClock(NOW)


def test_the_first_page_is_the_laboratory(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        assert browser.get("/").headers["location"] == "/lab"


def test_a_laboratory_without_a_campaign_says_what_to_do(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        page = browser.get("/lab")
    assert page.status_code == 200
    assert "idle" in page.text
    assert "No campaign is under way" in page.text
    assert 'href="/new"' in page.text
    assert "No instrument has been heard of yet" in page.text


def test_it_says_whether_the_lab_is_well_and_what_is_next(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way, clock=clock()) as browser:
        text = browser.get("/lab").text
    assert "<title>Well: lab" in text
    assert "E0002/dose on pump_x1 should be done" in text
    assert "Nothing waits for a person." in text
    assert "engine 1, process 7 on elsewhere" in text
    assert "last reading" in text
    assert "mass <strong" in text
    assert "2 of 40" in text
    assert '<svg class="gantt"' in text


def test_buttons_say_what_they_will_do_to_matter(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way, clock=clock()) as browser:
        text = browser.get("/lab").text
    assert "finishes 1 sample (E0002), begins no other" in text
    assert "cuts off 1 running job now" in text
    for act in ("pause", "hold", "stop", "abort", "take_out", "emergency_stop"):
        assert f'action="/acts/{act}"' in text
    assert 'action="/acts/resume"' not in text


def test_a_viewer_sees_buttons_that_are_not_theirs(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way, clock=clock(), role=Role.VIEWER) as browser:
        text = browser.get("/lab").text
        assert browser.act("pause", campaign_id=CAMPAIGN_ID).status_code == 403
    assert "viewer may not" in text
    assert 'action="/acts/emergency_stop"' not in text


def test_everything_that_waits_for_a_person_is_there_and_escaped(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, troubled, clock=clock()) as browser:
        text = browser.get("/lab").text
    assert "<title>Stopped: lab" in text
    for said in (
        "The stop latch is set",
        "E0001/dose on pump_x1 is in doubt",
        "other-1 is held",
        "balance does not answer",
        "source_meter is out of service",
        "a1, a2 are not clean",
    ):
        assert said in text
    assert "&lt;b&gt;no&lt;/b&gt; reply" in text
    assert "<b>no</b>" not in text
    assert text.count('name="places"') == 2


def test_clearing_the_latch_from_the_page_asks_twice_and_stands_in_the_log(
    tmp_path: Path,
) -> None:
    with dashboard_of(tmp_path, troubled, clock=clock(), name="ada") as browser:
        asked = browser.act("clear_latch", is_confirmed=False)
        assert asked.status_code == 200
        assert "go and look at the bench first" in asked.text
        done = browser.act("clear_latch", reason="looked: a candle")
        assert done.headers["location"] == "/lab"
        assert "the stop latch is cleared" in browser.get("/lab").text
        with browser.parts.live.using() as lab:
            cleared = [
                (record.actor, record.event)
                for record in lab.records(LAB_STREAM)
                if isinstance(record.event, LatchCleared)
            ]
    assert cleared == [("ada", LatchCleared(reason="looked: a candle"))]


@pytest.mark.parametrize("part", PARTS)
def test_each_part_is_made_anew_alone(tmp_path: Path, part: str) -> None:
    with dashboard_of(tmp_path, troubled, clock=clock()) as browser:
        answer = browser.get(f"/parts/lab/{part}")
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert 'name="next" value="/parts' not in answer.text


def test_there_is_no_other_part(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        assert browser.get("/parts/lab/cellar").status_code == 422


@pytest.mark.parametrize("path", ["/lab", "/lab/wall", "/campaigns", "/tasks"])
def test_nobody_sees_it_without_signing_in(tmp_path: Path, path: str) -> None:
    with dashboard_of(tmp_path, role=None) as browser:
        assert browser.get(path).headers["location"].startswith("/login?next=")
        assert browser.get("/parts/lab/strip").status_code == 401


def test_a_part_shows_what_came_since(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, under_way, clock=clock()) as browser:
        assert "well" in browser.get("/parts/lab/strip").text
        _append_latch(browser)
        assert "stopped" in browser.get("/parts/lab/strip").text


def _append_latch(browser: Browser) -> None:
    log = open_sqlite_log(browser.parts.database)
    log.append(
        LAB_STREAM,
        [LatchSet(source="operator", reason="smoke")],
        time=OPENED,
        actor="bob",
        is_simulated=False,
    )
    log.close()
