"""The page of alarms, and what people say of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.core.events import (
    LAB_STREAM,
    AlarmAcknowledged,
    AlarmReturned,
    PauseRequested,
    Severity,
)
from orchestrator.log.event_log import EventLog
from tests.support.alarm_bench import alarm_raised
from tests.support.dashboard import Browser, dashboard_of

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def record_alarms(log: EventLog) -> None:
    """Leave two alarms that ring, and one that is over."""
    now = datetime.now(UTC) - timedelta(hours=1)
    over = [
        alarm_raised("disk/<lab>"),
        AlarmAcknowledged(alarm="disk/<lab>", reason="room was made"),
        AlarmReturned(alarm="disk/<lab>"),
    ]
    ringing = [alarm_raised("lost/pump", Severity.CRITICAL), alarm_raised("stalled/oer-1")]
    for event in [*over, *ringing]:
        log.append(LAB_STREAM, [event], time=now, actor="station", is_simulated=False)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with dashboard_of(tmp_path, record_alarms) as found:
        yield found


def status_of(browser: Browser, alarm: str) -> str:
    return {one.alarm: one.status for one in browser.parts.live.alarms()}[alarm]


def test_a_quiet_laboratory_says_so(tmp_path: Path) -> None:
    with dashboard_of(tmp_path) as browser:
        assert "No alarm" in browser.get("/alarms").text


def test_what_rings_is_shown_with_what_to_do(browser: Browser) -> None:
    text = browser.get("/alarms").text

    assert "2 alarms; 2 that nobody has acknowledged" in text
    assert "with the buttons" in text, "a page to act on, not only words of the terminal"
    for one in browser.parts.live.alarms():
        assert one.what_to_do in text
        assert one.consequence in text
    assert "Acknowledge all 2" in text
    assert "disk/&lt;lab&gt;" in text, "among the most frequent"


def test_those_that_are_over_are_shown_on_demand(browser: Browser) -> None:
    assert "room was made" not in browser.get("/alarms").text
    assert "room was made" in browser.get("/alarms?past=true").text


def test_somebody_takes_care_of_an_alarm(browser: Browser) -> None:
    answer = browser.act("acknowledge_alarm", alarm="lost/pump", reason="I look at the cable")

    assert answer.status_code == 303
    assert status_of(browser, "lost/pump") == "acknowledged"
    assert "I look at the cable" in browser.get("/alarms").text


def test_an_alarm_is_set_aside_and_counts_again(browser: Browser) -> None:
    shelved = browser.act(
        "shelve_alarm", alarm="lost/pump", duration_h="4", reason="it is serviced", confirmed="yes"
    )
    assert shelved.status_code == 303
    assert status_of(browser, "lost/pump") == "shelved"
    assert "Let it count again" in browser.get("/alarms").text

    assert browser.act("unshelve_alarm", alarm="lost/pump").status_code == 303
    assert status_of(browser, "lost/pump") != "shelved"


def test_an_alarm_cannot_be_set_aside_for_ever(browser: Browser) -> None:
    refused = browser.act("shelve_alarm", alarm="lost/pump", duration_h="25", reason="no")

    assert refused.status_code in (409, 422)
    assert "duration_h" in refused.text
    assert status_of(browser, "lost/pump") == "raised"


def test_all_are_acknowledged_after_a_second_question(browser: Browser) -> None:
    asked = browser.act("acknowledge_all")
    assert "2 alarms" in asked.text
    browser.act("acknowledge_all", reason="power was out", confirmed="yes")

    assert {one.status for one in browser.parts.live.alarms()} == {"acknowledged"}


def test_a_page_is_told_when_something_else_rings(browser: Browser) -> None:
    text = browser.get("/alarms").text
    address = text.partition('hx-get="')[2].partition('"')[0]
    assert "has changed" not in browser.get(address).text

    browser.act("acknowledge_alarm", alarm="lost/pump")

    assert "has changed" in browser.get(address).text


def test_an_alarm_is_counted_however_much_happened_since(tmp_path: Path) -> None:
    def record(log: EventLog) -> None:
        record_alarms(log)
        many = [PauseRequested(reason=str(number)) for number in range(25_000)]
        log.append(
            "campaign/none", many, time=datetime.now(UTC), actor="engine", is_simulated=False
        )

    with dashboard_of(tmp_path, record) as browser:
        assert "3 raised" in browser.get("/alarms").text
