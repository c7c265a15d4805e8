"""The desk: raises once, returns what is over, waits out what flaps, tells people, never raises."""

import logging
import threading
from pathlib import Path

import pytest

from orchestrator.alarms.channels import Channel
from orchestrator.alarms.desk import AlarmDesk
from orchestrator.alarms.signs_of_life import signs_in
from orchestrator.core.alarm_conditions import SignsOfLife
from orchestrator.core.events import (
    AlarmAcknowledged,
    AlarmShelved,
    CampaignHeld,
    CampaignStopped,
    CandidateApproved,
    InstrumentConnected,
    InstrumentLost,
    InterlockReleased,
    InterlockTripped,
    LatchCleared,
    LatchSet,
    PlacesCleaned,
    PlacesLeftUnclean,
    ResumeRequested,
    Severity,
    StopRequested,
)
from orchestrator.core.patience import Patience
from orchestrator.errors import LogError
from orchestrator.log.event_log import EventLog
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.alarm_bench import HandClock, KeptMessages, channels_of, say
from tests.support.pretend_campaigns import opening, small_campaign

PATIENCE = Patience()
SMOKE = LatchSet(source="operator", reason="smoke")
TRIPPED = InterlockTripped(interlock="full", reason="mass_g 201", instruments=("pump",))
RELEASED = InterlockReleased(interlock="full")
UNCLEAN = PlacesLeftUnclean(places=("cell",), campaign_id="small-1", experiment_id="E0001")


class FailingLog(MemoryLog):
    """A log whose disk may be full."""

    is_full = False

    def append(self, *arguments, **options):
        if self.is_full:
            raise LogError("lab.db: database or disk is full")
        return super().append(*arguments, **options)

    def beat(self, *arguments, **options):
        if self.is_full:
            raise LogError("lab.db: database or disk is full")
        return super().beat(*arguments, **options)


def alarm_kinds(log: EventLog) -> list[tuple[str, str]]:
    found = []
    for record in log.read(stream="lab"):
        if record.event.kind.startswith("Alarm"):
            found.append((record.event.kind.removeprefix("Alarm"), record.event.alarm))
    return found


def open_campaign(log: EventLog, clock: HandClock, *, is_simulated: bool = False) -> None:
    event = opening(small_campaign()).model_copy(update={"is_simulated": is_simulated})
    say(log, clock, event, campaign_id="small-1")


def test_what_is_true_is_raised_once_and_returned_once():
    log, clock = MemoryLog(), HandClock()
    desk = AlarmDesk(log, clock, patience=PATIENCE)
    say(log, clock, SMOKE)

    for _ in range(3):
        desk.look()
    say(log, clock, LatchCleared(reason="toast"))
    for _ in range(3):
        desk.look()

    assert alarm_kinds(log) == [("Raised", "latch"), ("Returned", "latch")]
    assert list(desk.alarms.active) == ["latch"]


def test_the_last_look_waits_out_no_delay():
    log, clock = MemoryLog(), HandClock()
    open_campaign(log, clock)
    desk = AlarmDesk(
        log, clock, patience=PATIENCE, look_around=lambda *_: SignsOfLife(driven=frozenset())
    )

    desk.look()
    assert alarm_kinds(log) == []
    desk.look(is_last=True)

    assert alarm_kinds(log) == [("Raised", "engine_silent/small-1")]


def test_a_desk_that_was_killed_and_begins_anew_repeats_nothing():
    log, clock = MemoryLog(), HandClock()
    messages = KeptMessages(channels_of())
    say(log, clock, SMOKE, UNCLEAN)

    for _ in range(3):
        desk = AlarmDesk(log, clock, patience=PATIENCE, messenger=messages)
        desk.look()
        desk.look()

    assert [kind for kind, _ in alarm_kinds(log)] == ["Raised"] * 2 + ["Notified"] * 2
    assert messages.told() == [("oncall", ("latch",)), ("oncall", ("unclean/cell",))]


@pytest.mark.slow
def test_of_two_desks_on_one_log_only_one_raises(tmp_path: Path):
    path, clock = tmp_path / "lab.db", HandClock()
    log = open_sqlite_log(path)
    desks = [AlarmDesk(open_sqlite_log(path), clock, patience=PATIENCE) for _ in range(2)]
    for number in range(20):
        left = UNCLEAN.model_copy(update={"places": (f"place_{number}",)})
        say(log, clock, SMOKE, left, LatchCleared(reason="x"))
        gate = threading.Barrier(2)

        def look(desk: AlarmDesk, gate: threading.Barrier = gate) -> None:
            gate.wait(10)
            desk.look()
            desk.look()

        threads = [threading.Thread(target=look, args=(desk,)) for desk in desks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

    raised = [name for kind, name in alarm_kinds(log) if kind == "Raised"]
    assert sorted(raised) == sorted({f"unclean/place_{number}" for number in range(20)})
    log.close()


def test_what_flaps_rings_once():
    log, clock = MemoryLog(), HandClock()
    desk = AlarmDesk(log, clock, patience=PATIENCE)
    for _ in range(10):
        say(log, clock, TRIPPED)
        desk.look()
        clock.pass_by(10)
        say(log, clock, RELEASED)
        desk.look()
        clock.pass_by(19)

    assert alarm_kinds(log) == [("Raised", "interlock/full")]
    desk.look()
    clock.pass_by(11)
    desk.look()
    assert alarm_kinds(log)[1:] == [("Returned", "interlock/full")]


def test_what_is_over_within_its_on_delay_never_rings():
    log, clock, driven = MemoryLog(), HandClock(), [frozenset[str]()]
    desk = AlarmDesk(
        log,
        clock,
        patience=PATIENCE,
        look_around=lambda lab, campaigns: SignsOfLife(driven=driven[0]),
    )
    open_campaign(log, clock)
    desk.look()
    clock.pass_by(29)
    desk.look()
    driven[0] = frozenset({"small-1"})
    desk.look()
    driven[0] = frozenset()
    clock.pass_by(29)
    desk.look()
    clock.pass_by(29)
    desk.look()
    assert alarm_kinds(log) == []

    clock.pass_by(1)
    desk.look()

    assert alarm_kinds(log) == [("Raised", "engine_silent/small-1")]


def test_a_lost_instrument_rings_once_it_was_gone_for_long_and_returns_when_it_stays():
    log, clock = MemoryLog(), HandClock()
    desk = AlarmDesk(log, clock, patience=PATIENCE)
    say(log, clock, InstrumentLost(instrument="balance", reason="no reply"))
    desk.look()
    assert alarm_kinds(log) == []

    clock.pass_by(60)
    desk.look()
    say(log, clock, AlarmAcknowledged(alarm="lost/balance"))
    say(log, clock, InstrumentConnected(instrument="balance", driver="d", identity="i"))
    desk.look()
    clock.pass_by(30)
    desk.look()

    assert [kind for kind, _ in alarm_kinds(log)] == ["Raised", "Acknowledged", "Returned"]
    assert desk.alarms.active == {}


def test_the_shelf_has_its_time():
    log, clock = MemoryLog(), HandClock()
    messages = KeptMessages(channels_of())
    desk = AlarmDesk(log, clock, patience=PATIENCE, messenger=messages)
    say(log, clock, UNCLEAN)
    say(log, clock, UNCLEAN.model_copy(update={"places": ("vessel",)}))
    desk.look()
    messages.told()
    desk.look()
    for name in ("cell", "vessel"):
        until = clock.now().replace(hour=14)
        say(log, clock, AlarmShelved(alarm=f"unclean/{name}", until=until, reason="lunch"))
    clock.pass_by(3600)
    say(log, clock, PlacesCleaned(places=("vessel",)))
    desk.look()
    assert messages.told() == []
    assert list(desk.alarms.active) == ["unclean/cell"]

    clock.pass_by(3600)
    desk.look()

    assert alarm_kinds(log)[-1] == ("Unshelved", "unclean/cell")
    assert messages.told() == [("oncall", ("unclean/cell",))]


def test_another_hold_is_another_matter():
    log, clock = MemoryLog(), HandClock()
    desk = AlarmDesk(log, clock, patience=PATIENCE)
    open_campaign(log, clock)
    desk.look()
    say(log, clock, CampaignHeld(reason="no balance"), campaign_id="small-1")
    desk.look()
    say(log, clock, AlarmAcknowledged(alarm="held/small-1"))
    again = [ResumeRequested(), CampaignHeld(reason="no pump")]
    say(log, clock, *again, campaign_id="small-1")
    desk.look()

    assert [kind for kind, _ in alarm_kinds(log)] == [
        "Raised",
        "Acknowledged",
        "Returned",
        "Raised",
    ]
    assert desk.alarms.active["held/small-1"].raised.message == "small-1 was held: no pump"


def test_the_alarms_of_a_campaign_end_with_it():
    log, clock = MemoryLog(), HandClock()
    open_campaign(log, clock)
    say(log, clock, CampaignHeld(reason="no balance"), campaign_id="small-1")
    AlarmDesk(log, clock, patience=PATIENCE).look()
    ends = [StopRequested(), CampaignStopped(reason="enough")]
    say(log, clock, *ends, campaign_id="small-1")

    AlarmDesk(log, clock, patience=PATIENCE).look()

    assert alarm_kinds(log) == [("Raised", "held/small-1"), ("Returned", "held/small-1")]


def test_a_desk_leaves_the_campaigns_of_others_alone():
    log, clock = MemoryLog(), HandClock()
    open_campaign(log, clock, is_simulated=True)
    say(log, clock, CampaignHeld(reason="no balance"), campaign_id="small-1")
    its_own = AlarmDesk(log, clock, patience=PATIENCE, is_simulated=True, campaign_id="small-1")
    real = AlarmDesk(log, clock, patience=PATIENCE)
    other = AlarmDesk(log, clock, patience=PATIENCE, is_simulated=True, campaign_id="small-2")

    for desk in (real, its_own, real, other):
        desk.look()

    assert alarm_kinds(log) == [("Raised", "held/small-1")]


def test_a_stream_that_cannot_be_folded_rings_and_hides_nothing_else():
    log, clock = MemoryLog(), HandClock()
    open_campaign(log, clock)
    desk = AlarmDesk(log, clock, patience=PATIENCE)
    desk.look()
    say(log, clock, CandidateApproved(candidate_id="C0009"), campaign_id="small-1")
    say(log, clock, UNCLEAN)

    desk.look()

    raised = [("Raised", "unreadable/campaign/small-1"), ("Raised", "unclean/cell")]
    assert alarm_kinds(log) == raised
    fresh = AlarmDesk(log, clock, patience=PATIENCE)
    fresh.look()
    assert alarm_kinds(log) == raised


def test_a_full_disk_is_told_without_the_log_and_written_down_when_it_is_back(caplog):
    log, clock = FailingLog(), HandClock()
    messages = KeptMessages(channels_of())
    desk = AlarmDesk(log, clock, patience=PATIENCE, messenger=messages)
    say(log, clock, SMOKE)
    log.is_full = True
    with caplog.at_level(logging.WARNING):
        desk.look()
        desk.look()
    assert messages.told() == [("oncall", ("log_failing/the log",))]
    critical = [one for one in caplog.records if one.levelno == logging.CRITICAL]
    assert len(critical) == 1
    assert "disk is full" in critical[0].getMessage()

    clock.pass_by(900)
    desk.look()
    assert messages.told() == [("oncall", ("log_failing/the log",))], "a reminder"
    log.is_full = False
    desk.look()
    assert messages.told() == [("oncall", ("latch",))]
    desk.look()

    assert alarm_kinds(log) == [
        ("Raised", "log_failing/the log"),
        ("Raised", "latch"),
        ("Notified", "log_failing/the log"),
        ("Notified", "log_failing/the log"),
        ("Notified", "latch"),
        ("Returned", "log_failing/the log"),
    ]
    assert desk.alarms.active["log_failing/the log"].is_unacknowledged


def test_a_full_disk_is_told_while_nothing_happens(tmp_path: Path):
    log, clock = FailingLog(), HandClock()
    messages = KeptMessages(channels_of())
    look_around = signs_in(log, tmp_path / "lab.db", clock)
    patience = Patience(free_space_mb=0.001)
    desk = AlarmDesk(log, clock, patience=patience, messenger=messages, look_around=look_around)
    desk.look()
    log.is_full = True
    clock.pass_by(10)

    desk.look()

    assert messages.told() == [("oncall", ("log_failing/the log",))]
    log.is_full = False
    desk.look()
    assert alarm_kinds(log)[0] == ("Raised", "log_failing/the log")


def test_a_log_that_cannot_be_read_is_told_too():
    log, clock = MemoryLog(), HandClock()
    messages = KeptMessages(channels_of())
    desk = AlarmDesk(log, clock, patience=PATIENCE, messenger=messages)
    log.close()

    desk.look()

    assert messages.told() == [("oncall", ("log_failing/the log",))]


def test_people_are_told_in_their_turn_and_again_while_it_is_critical():
    log, clock = MemoryLog(), HandClock()
    url = "json://secret"
    messages = KeptMessages(
        channels_of(oncall=Channel(url=url, minimum=Severity.HIGH), boss=Channel(url=url, level=2))
    )
    desk = AlarmDesk(log, clock, patience=PATIENCE, messenger=messages)
    say(log, clock, SMOKE)

    def told_after(duration_s: float) -> list[str]:
        clock.pass_by(duration_s)
        desk.look()
        told = [channel for channel, _ in messages.told()]
        desk.look()
        return told

    assert told_after(0) == ["oncall"]
    assert told_after(899) == []
    assert told_after(1) == ["oncall", "boss"]
    assert desk.alarms.active["latch"].notified_level == 2
    assert told_after(900) == ["oncall", "boss"]
    say(log, clock, AlarmAcknowledged(alarm="latch"))
    assert told_after(900) == []


def test_a_message_that_does_not_go_out_is_tried_again_after_longer_and_longer():
    log, clock = MemoryLog(), HandClock()
    messages = KeptMessages(channels_of())
    messages.broken = "no route"
    desk = AlarmDesk(log, clock, patience=PATIENCE, messenger=messages)
    say(log, clock, SMOKE)
    tried: list[float] = []
    while clock.passed_s < 300:
        before = len(alarm_kinds(log))
        desk.look()
        if len(alarm_kinds(log)) > before:
            tried.append(clock.passed_s)
        clock.pass_by(5)

    assert tried == [0, 5, 40, 105, 230], "a beat after each attempt; 30, 60, 120 s between"
    assert desk.alarms.active["latch"].tellings["oncall"].n_failures == 4
