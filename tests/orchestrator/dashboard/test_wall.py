"""The wall: large, live, and nothing to press."""

import re
from datetime import timedelta
from pathlib import Path

from orchestrator.core.events import LAB_STREAM, AlarmRaised, InstrumentLost, Severity
from orchestrator.log.event_log import EventLog
from tests.support.dashboard import dashboard_of
from tests.support.recorded_campaign import OPENED, RecordedCampaign
from tests.support.standing_clock import StandingClock


def ailing(log: EventLog) -> None:
    """Record a lost instrument and six alarms."""
    campaign = RecordedCampaign(log, is_simulated=False)
    campaign.open()
    campaign.append(InstrumentLost(instrument="balance", reason="no reply"), stream=LAB_STREAM)
    for number in range(6):
        campaign.append(
            AlarmRaised(
                alarm=f"disk/disk-{number}",
                severity=Severity.HIGH,
                message=f"disk-{number} is nearly full",
                consequence="nothing is sent once it is full",
                what_to_do="make room",
            ),
            stream=LAB_STREAM,
            minutes=1.0,
        )


def test_it_says_the_word_the_needs_the_instruments_and_the_newest_alarms(tmp_path: Path) -> None:
    clock = StandingClock(OPENED + timedelta(minutes=7))
    with dashboard_of(tmp_path, ailing, clock=clock) as browser:
        text = browser.get("/lab/wall").text
    assert 'data-view="wall"' in text
    assert re.search(r'class="wall-state"[^>]*>.*unattended</h1>', text)
    assert "balance" in text
    assert "no answer" in text
    assert text.index("disk-5 is nearly full") < text.index("disk-4 is nearly full")
    assert "Alarms: 6, 6 not acknowledged" in text
    assert "Looked at" in text


def test_there_is_nothing_to_press(tmp_path: Path) -> None:
    with dashboard_of(tmp_path, ailing) as browser:
        main = browser.get("/lab/wall").text.partition("<main")[2].partition("</main>")[0]
        part = browser.get("/parts/lab/wall").text
    for text in (main, part):
        assert not re.search(r"<(a|button|form|input|select|textarea|summary)\b", text)


def test_it_follows_the_log_and_the_clock(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        text = browser.get("/lab/wall").text
    assert 'hx-get="/parts/lab/wall"' in text
    assert "athanor:lab from:body" in text
    assert "every 5s" in text
