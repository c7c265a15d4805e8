"""Latch, instruments and places: stations are told first, the log keeps who said so and why."""

from collections.abc import Sequence

import pytest

from drivers.clock import SystemClock
from orchestrator.core.events import (
    LAB_STREAM,
    HoldRequested,
    InstrumentPutBack,
    InstrumentTakenOut,
    LatchCleared,
    LatchSet,
    PlacesCleaned,
    PlacesLeftUnclean,
    StopRequested,
)
from orchestrator.errors import LogCorrupt, LogError, LogUnavailable, RequestRefused
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service import bench_decisions
from orchestrator.service.asking import ask_campaign
from orchestrator.service.lab import Lab
from orchestrator.service.requests import Request
from orchestrator.service.station_door import Driven, EndOfCampaign, NoStations, StationReply
from tests.support.recorded_campaign import RecordedCampaign


class ForgetfulLog(MemoryLog):
    """Refuses to keep anything once its disk is full; several labs look at it one by one."""

    is_full = False

    def close(self):
        """Stay open for the next one."""

    def append(self, *arguments, **named):
        if self.is_full:
            raise LogError("disk full")
        return super().append(*arguments, **named)


class OneStation(NoStations):
    """A station that does what it is asked and remembers it, with what the log held by then."""

    def __init__(
        self, log: MemoryLog, *, is_done: bool = True, driven: Driven | None = None
    ) -> None:
        self._log = log
        self._driven = driven or Driven()
        self._is_done = is_done
        self.asked: list[tuple[str, int]] = []

    def _take(self, what: str) -> Sequence[StationReply]:
        self.asked.append((what, self._log.last_seq()))
        return (StationReply(station="oer-bench", is_done=self._is_done, message="all safe"),)

    def driven(self) -> Driven:
        return self._driven

    def end_campaign(
        self, campaign_id: str, how: EndOfCampaign, reason: str
    ) -> Sequence[StationReply]:
        return self._take(f"{how} {campaign_id}")

    def emergency_stop(self, reason: str) -> Sequence[StationReply]:
        return self._take("emergency stop")

    def clear_latch(self, reason: str) -> Sequence[StationReply]:
        return self._take("clear latch")

    def take_out(self, instrument: str, reason: str) -> Sequence[StationReply]:
        return self._take(f"out {instrument}")

    def put_back(self, instrument: str, reason: str) -> Sequence[StationReply]:
        return self._take(f"back {instrument}")


@pytest.fixture
def log() -> ForgetfulLog:
    log = ForgetfulLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.start()
    left = PlacesLeftUnclean(
        places=("cell", "vessel"), campaign_id="small-1", experiment_id="E0007"
    )
    campaign.append(left, stream=LAB_STREAM)
    return log


def lab_on(log: MemoryLog) -> Lab:
    return Lab(log, actor="ada", clock=SystemClock(), source="memory")


def last_event(log: MemoryLog) -> object:
    *_, last = log.read()
    return last.event


def test_an_emergency_stop_reaches_the_station_before_the_log(log):
    door, before = OneStation(log), log.last_seq()

    decided = bench_decisions.emergency_stop(lambda: lab_on(log), door, reason="smoke")

    assert door.asked == [("emergency stop", before)]
    assert last_event(log) == LatchSet(source="operator", reason="smoke")
    assert decided.lab.latch == "operator: smoke"


def test_a_full_disk_does_not_keep_an_emergency_stop_from_the_station(log):
    door = OneStation(log)
    log.is_full = True

    with pytest.raises(LogUnavailable, match="disk full; station oer-bench did it: all safe"):
        bench_decisions.emergency_stop(lambda: lab_on(log), door, reason="smoke")

    assert [what for what, _ in door.asked] == ["emergency stop"]


def test_a_log_that_does_not_open_does_not_keep_a_stop_from_the_station(log):
    door = OneStation(log)

    with pytest.raises(LogUnavailable, match="no such file; station oer-bench did it"):
        ask_campaign(broken, door, Request.ABORT, "small-1")

    assert [what for what, _ in door.asked] == ["abort small-1"]


def broken() -> Lab:
    raise LogError("no such file")


@pytest.mark.parametrize("request_", [Request.HOLD, Request.STOP, Request.ABORT])
def test_the_only_campaign_of_the_stations_is_meant_though_the_log_does_not_open(log, request_):
    door = OneStation(log, driven=Driven(("small-1",)))

    with pytest.raises(LogUnavailable, match="no such file; station oer-bench did it: all safe"):
        ask_campaign(broken, door, request_)

    assert [what for what, _ in door.asked] == [f"{request_} small-1"]


def test_of_several_campaigns_at_the_stations_one_must_be_named(log):
    door = OneStation(log, driven=Driven(("big-1", "small-1")))

    with pytest.raises(RequestRefused, match="big-1, small-1; name one: athanor stop big-1"):
        ask_campaign(broken, door, Request.STOP)

    assert door.asked == []


def test_a_silent_station_may_work_for_another_campaign_so_the_log_is_asked(log):
    door = OneStation(log, driven=Driven(("other-1",), silent=("oer-bench",)))

    with pytest.raises(LogError, match=r"oer-bench did not say .* athanor stop CAMPAIGN_ID"):
        ask_campaign(broken, door, Request.STOP)
    ask_campaign(lambda: lab_on(log), door, Request.STOP)

    assert [what for what, _ in door.asked] == ["stop small-1"]


def test_a_pause_that_cannot_be_written_down_says_what_a_station_hears(log):
    door = OneStation(log, driven=Driven(("small-1",)))

    with pytest.raises(LogError, match="no such file; .* athanor hold small-1"):
        ask_campaign(broken, door, Request.PAUSE)

    assert door.asked == []


def test_a_damaged_log_stays_damaged_whatever_a_station_did(log):
    def damaged() -> Lab:
        raise LogCorrupt("record 3 is not what it was")

    with pytest.raises(LogError, match="record 3") as told:
        ask_campaign(damaged, OneStation(log), Request.STOP, "small-1")

    assert not isinstance(told.value, LogUnavailable)


@pytest.mark.parametrize(
    ("request_", "told", "event"),
    [
        (Request.HOLD, "hold small-1", HoldRequested(reason="look")),
        (Request.STOP, "stop small-1", StopRequested(reason="look")),
    ],
)
def test_a_stop_is_told_to_the_station_and_then_written_down(request_, told, event, log):
    door, before = OneStation(log), log.last_seq()

    ask_campaign(lambda: lab_on(log), door, request_, reason="look")

    assert door.asked[0] == (told, before)
    assert last_event(log) == event


def test_a_resume_is_written_down_before_the_station_takes_orders_again(log):
    ask_campaign(lambda: lab_on(log), NoStations(), Request.HOLD)
    door, before = OneStation(log), log.last_seq()

    ask_campaign(lambda: lab_on(log), door, Request.RESUME)

    assert door.asked == [("go_on small-1", before + 1)]


def test_a_latch_is_cleared_by_a_named_person_with_a_reason(log):
    lab, door = lab_on(log), NoStations()
    bench_decisions.emergency_stop(lambda: lab_on(log), door, reason="smoke")

    for name in ("", "engine", "root"):
        with pytest.raises(RequestRefused, match="expected that of a person"):
            bench_decisions.clear_latch(lab, door, reason="ok", by=name)
    with pytest.raises(RequestRefused, match="--reason"):
        bench_decisions.clear_latch(lab, door, reason="", by="ada")
    bench_decisions.clear_latch(lab, door, reason="dry again", by="ada")

    assert last_event(log) == LatchCleared(reason="dry again")
    with pytest.raises(RequestRefused, match="not set"):
        bench_decisions.clear_latch(lab, door, reason="ok", by="ada")


def test_a_station_that_refuses_keeps_the_latch_in_the_log(log):
    bench_decisions.emergency_stop(lambda: lab_on(log), NoStations(), reason="smoke")
    door = OneStation(log, is_done=False)

    with pytest.raises(RequestRefused, match="oer-bench"):
        bench_decisions.clear_latch(lab_on(log), door, reason="ok", by="ada")

    assert lab_on(log).laboratory().latch


def test_an_instrument_is_taken_out_and_put_back(log):
    lab, door = lab_on(log), NoStations()

    bench_decisions.take_out(lab, door, "pump_x1", reason="leaks")
    assert last_event(log) == InstrumentTakenOut(instrument="pump_x1", reason="leaks")
    assert "out of service: leaks" in lab.laboratory().why_unusable("pump_x1")
    with pytest.raises(RequestRefused, match="already: leaks"):
        bench_decisions.take_out(lab, door, "pump_x1", reason="leaks")
    bench_decisions.put_back(lab, door, "pump_x1", reason="")
    assert last_event(log) == InstrumentPutBack(instrument="pump_x1")
    with pytest.raises(RequestRefused, match="not out of service"):
        bench_decisions.put_back(lab, door, "pump_x1", reason="")


def test_what_a_living_station_did_is_written_down_under_the_persons_name(log):
    lab, door = lab_on(log), OneStation(log)

    bench_decisions.take_out(lab, door, "pump_x1", reason="leaks")
    bench_decisions.put_back(lab, door, "pump_x1", reason="mended")

    assert [what for what, _ in door.asked] == ["out pump_x1", "back pump_x1"]
    *_, out, back = log.read()
    assert out.event == InstrumentTakenOut(instrument="pump_x1", reason="leaks")
    assert back.event == InstrumentPutBack(instrument="pump_x1", reason="mended")
    assert {out.actor, back.actor} == {"ada"}


def test_an_instrument_that_nobody_knows_is_refused_with_those_that_are_known(log):
    with pytest.raises(RequestRefused, match="known: balance, pump_x1, source_meter"):
        bench_decisions.take_out(lab_on(log), NoStations(), "pump_x9", reason="x")


def test_places_are_cleaned_one_by_one_or_all(log):
    lab, door = lab_on(log), NoStations()

    _, cleaned = bench_decisions.clean_places(lab, door, ["cell"], reason="rinsed")
    assert cleaned == {"cell": "small-1/E0007"}
    assert last_event(log) == PlacesCleaned(places=("cell",), reason="rinsed")
    with pytest.raises(RequestRefused, match="cell: not unclean; unclean places: vessel"):
        bench_decisions.clean_places(lab, door, ["cell"], reason="rinsed")
    bench_decisions.clean_places(lab, door, ["all"], reason="rinsed")
    assert not lab.laboratory().unclean
    with pytest.raises(RequestRefused, match="unclean places: none"):
        bench_decisions.clean_places(lab, door, ["all"], reason="rinsed")
