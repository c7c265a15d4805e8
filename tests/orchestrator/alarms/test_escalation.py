"""Who is told of what and when; a flood is one message."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.alarms.channels import Channel
from orchestrator.alarms.escalation import due_notices, text_of
from orchestrator.core.alarms import Alarms
from orchestrator.core.events import AlarmAcknowledged, AlarmNotified, AlarmReturned, Severity
from tests.support.alarm_bench import NOON, alarm_raised, channels_of

URL = "json://secret"


def raised(n: int, severity: Severity = Severity.HIGH) -> Alarms:
    alarms = Alarms()
    for number in range(n):
        alarms = alarms.after(alarm_raised(f"lost/pump_{number:02d}", severity), NOON)
    return alarms


def told(alarms: Alarms, after_s: float = 0.0) -> Alarms:
    time = NOON + timedelta(seconds=after_s)
    for notice in due_notices(alarms, channels_of(), time):
        for name in notice.alarms:
            event = AlarmNotified(alarm=name, level=1, channel=notice.channel)
            alarms = alarms.after(event, time)
    return alarms


def test_ten_alarms_are_ten_messages_and_eleven_are_one():
    assert len(due_notices(raised(10), channels_of(), NOON)) == 10

    (flood,) = due_notices(raised(11), channels_of(), NOON)

    assert len(flood.alarms) == 11
    assert flood.title == "[high] 11 alarms: 11 high"
    assert "lost/pump_00: lost/pump_00 is wrong" in flood.body


def test_a_very_long_list_is_cut():
    (flood,) = due_notices(raised(50), channels_of(), NOON)

    assert len(flood.alarms) == 50
    assert "... and 30 more" in flood.body
    assert len(flood.body.splitlines()) == 22


def test_in_a_flood_a_channel_is_left_in_peace_for_a_minute():
    alarms = told(raised(11)).after(alarm_raised("latch", Severity.CRITICAL), NOON)

    assert due_notices(alarms, channels_of(), NOON + timedelta(seconds=59)) == ()
    (later,) = due_notices(alarms, channels_of(), NOON + timedelta(seconds=60))
    assert later.alarms == ("latch",)


def test_only_critical_alarms_are_told_again():
    day = NOON + timedelta(days=1)

    assert due_notices(told(raised(1)), channels_of(), day) == ()
    assert len(due_notices(told(raised(1, Severity.CRITICAL)), channels_of(), day)) == 1


def test_what_is_seen_or_over_is_not_told():
    seen = raised(1).after(AlarmAcknowledged(alarm="lost/pump_00"), NOON)
    over = raised(1).after(AlarmReturned(alarm="lost/pump_00"), NOON)

    assert due_notices(seen, channels_of(), NOON) == ()
    assert due_notices(over, channels_of(), NOON) == ()


def test_a_busy_channel_waits():
    assert due_notices(raised(1), channels_of(), NOON, busy=frozenset({"oncall"})) == ()


def test_a_message_names_the_command_to_say_that_it_was_seen():
    title, body = text_of(raised(1).active["lost/pump_00"])

    assert title == "[high] lost/pump_00"
    assert "If nobody acts: it gets worse" in body
    assert "athanor alarms ack lost/pump_00" in body


@given(
    severity=st.sampled_from(list(Severity)),
    minimum=st.sampled_from(list(Severity)),
    level=st.integers(1, 3),
    age_s=st.integers(0, 4000),
)
def test_a_channel_is_told_what_is_grave_enough_and_old_enough(severity, minimum, level, age_s):
    channel = Channel(url=URL, minimum=minimum, level=level)
    now = NOON + timedelta(seconds=age_s)
    grave = {Severity.LOW: 1, Severity.HIGH: 2, Severity.CRITICAL: 3}

    due = due_notices(raised(1, severity), channels_of(one=channel), now)

    assert bool(due) == (grave[severity] >= grave[minimum] and age_s >= 900 * (level - 1))
