"""The life of an alarm after ISA-18.2: what may follow what, and what is known of it then."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.alarms import ALARM_TRANSITIONS, Alarms, AlarmStatus, urgency
from orchestrator.core.events import (
    AlarmAcknowledged,
    AlarmEvent,
    AlarmNotified,
    AlarmReturned,
    AlarmShelved,
    AlarmUnshelved,
    Severity,
)
from orchestrator.errors import IllegalTransition
from tests.support.alarm_bench import NOON, alarm_raised

NAMES = ("lost/balance", "latch")
UNTIL = NOON + timedelta(hours=2)


def events_about(name: str) -> list[AlarmEvent]:
    return [
        alarm_raised(name),
        AlarmAcknowledged(alarm=name),
        AlarmReturned(alarm=name),
        AlarmShelved(alarm=name, until=UNTIL, reason="known"),
        AlarmUnshelved(alarm=name, reason="over"),
        AlarmNotified(alarm=name, level=1, channel="oncall"),
        AlarmNotified(alarm=name, level=2, channel="boss", error="no route"),
    ]


def after_all(alarms: Alarms, *events: AlarmEvent) -> Alarms:
    for event in events:
        alarms = alarms.after(event, NOON)
    return alarms


lives = st.lists(st.sampled_from([event for name in NAMES for event in events_about(name)]))


@given(events=lives)
def test_an_alarm_lives_by_its_table_and_alarms_do_not_touch_each_other(events):
    alarms = Alarms()
    for number, event in enumerate(events):
        time = NOON + timedelta(seconds=number)
        known = alarms.active.get(event.alarm)
        before = AlarmStatus.NORMAL if known is None else known.status
        expected = ALARM_TRANSITIONS.get((before, type(event)))
        if expected is None:
            with pytest.raises(IllegalTransition):
                alarms.after(event, time)
            continue

        later = alarms.after(event, time)

        one = later.active.get(event.alarm)
        assert (one is None) == (expected is AlarmStatus.NORMAL)
        others = {name: state for name, state in alarms.active.items() if name != event.alarm}
        assert others == {n: state for n, state in later.active.items() if n != event.alarm}
        if one is not None:
            assert one.status is expected
            assert (one.shelved_until is not None) == (one.status is AlarmStatus.SHELVED)
            assert one.raised_time <= one.since <= time
        alarms = later


@given(events=lives)
def test_only_a_cause_that_is_over_or_a_person_ends_an_alarm(events):
    alarms, returned, seen = Alarms(), set(), set()
    for event in events:
        known = alarms.active.get(event.alarm)
        if (AlarmStatus.NORMAL if known is None else known.status, type(event)) not in (
            ALARM_TRANSITIONS
        ):
            continue
        alarms = alarms.after(event, NOON)
        if event.kind == "AlarmRaised":
            returned.discard(event.alarm)
            seen.discard(event.alarm)
        if event.kind == "AlarmReturned":
            returned.add(event.alarm)
        if event.kind in ("AlarmAcknowledged", "AlarmShelved"):
            seen.add(event.alarm)
        if event.kind in ("AlarmReturned", "AlarmAcknowledged") and not alarms.active.get(
            event.alarm
        ):
            assert event.alarm in returned
            assert event.alarm in seen


def test_a_failed_attempt_reaches_no_level_and_a_good_one_forgets_the_failures():
    failed = AlarmNotified(alarm="latch", level=2, channel="boss", error="no route")
    good = AlarmNotified(alarm="latch", level=2, channel="boss")

    tried = after_all(Alarms(), alarm_raised("latch"), failed, failed).active["latch"]
    told = after_all(Alarms(), alarm_raised("latch"), failed, good).active["latch"]

    assert (tried.notified_level, tried.tellings["boss"].n_failures) == (0, 2)
    assert tried.tellings["boss"].told_time is None
    assert (told.notified_level, told.tellings["boss"].n_failures) == (2, 0)
    assert told.tellings["boss"].told_time == NOON


def test_an_alarm_from_the_shelf_is_told_anew():
    on_shelf = [alarm_raised("latch"), *events_about("latch")[5:6], *events_about("latch")[3:4]]

    alarm = after_all(Alarms(), *on_shelf, AlarmUnshelved(alarm="latch", reason="2 h are over"))

    assert alarm.active["latch"].status is AlarmStatus.RAISED
    assert alarm.active["latch"].notified_level == 0
    assert alarm.active["latch"].tellings == {}


def test_what_nobody_has_seen_comes_first_then_the_urgent():
    alarms = after_all(
        Alarms(),
        alarm_raised("a", Severity.CRITICAL),
        AlarmAcknowledged(alarm="a"),
        alarm_raised("b", Severity.LOW),
        alarm_raised("c", Severity.CRITICAL),
    )

    assert [one.alarm for one in alarms.worst_first()] == ["c", "b", "a"]
    assert sorted(Severity, key=urgency) == [Severity.LOW, Severity.HIGH, Severity.CRITICAL]
