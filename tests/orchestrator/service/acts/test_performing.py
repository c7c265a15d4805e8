"""Acts that are asked for again, undone in between, or told to a station that writes by itself."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import DriverError
from orchestrator.core.events import (
    Event,
    HoldRequested,
    InstrumentTakenOut,
    LatchCleared,
    LatchSet,
    PauseRequested,
    ResumeRequested,
    StopRequested,
)
from orchestrator.errors import LogUnavailable, RequestRefused, StaleView
from orchestrator.service.acts.alarm_acts import AcknowledgeAll
from orchestrator.service.acts.bench_acts import ClearLatch, EmergencyStop, PutBack, TakeOut
from orchestrator.service.acts.campaign_acts import Abort, Hold, Pause, Resume, Stop
from orchestrator.service.acts.candidate_acts import Approve, Edit, Reject
from orchestrator.service.acts.performing import fingerprint_of
from orchestrator.service.acts.point_acts import AddPoint
from orchestrator.service.acts.result_acts import GiveResult, MeasuredQuantity
from orchestrator.service.acts.task_acts import FinishTask, RefuseTask, TakeTask
from tests.support.act_bench import ADA, BOB, SMALL, TASK, ActBench

STREAM = f"campaign/{SMALL}"


@pytest.fixture
def bench(tmp_path: Path) -> ActBench:
    return ActBench.at(tmp_path)


def said(bench: ActBench, *kinds: type[Event]) -> list[tuple[str, str]]:
    """Return who said something of some kinds, in order."""
    return [
        (record.actor, record.event.kind)
        for record in bench.records()
        if isinstance(record.event, kinds)
    ]


def test_a_stop_asked_for_twice_with_one_key_was_done_before(bench: ActBench) -> None:
    stop = Stop(campaign_id=SMALL, reason="enough")
    bench.perform(stop)

    again = bench.perform(stop)

    assert again.was_done_before
    assert [one.is_done for one in again.stations] == [True]
    assert said(bench, StopRequested) == [("ada", "StopRequested")]
    with pytest.raises(RequestRefused, match="is stopping: stop would change nothing"):
        bench.perform(stop, key="key-00002")


def test_a_hold_that_was_taken_back_holds_again_when_it_is_repeated(bench: ActBench) -> None:
    """The station holds already when the log says that the key is known: log and bench agree."""
    hold = Hold(campaign_id=SMALL, reason="look")
    bench.perform(hold)
    bench.perform(Resume(campaign_id=SMALL), BOB, key="key-00002")
    assert bench.station.ending == {}

    again = bench.perform(hold)

    assert bench.station.ending == {SMALL: "hold"}
    assert not again.was_done_before
    assert again.message.startswith(f"{SMALL}: hold requested, now ")
    assert again.seq == bench.last_seq()
    assert said(bench, HoldRequested, ResumeRequested) == [
        ("ada", "HoldRequested"),
        ("bob", "ResumeRequested"),
        ("ada", "HoldRequested"),
    ]
    assert bench.station.acts == ["hold", "go_on", "hold"]


def test_without_a_station_a_repeated_hold_is_only_told_that_it_was_done(bench: ActBench) -> None:
    bench.station.is_willing = False
    hold = Hold(campaign_id=SMALL, reason="look")
    bench.perform(hold)
    bench.perform(Resume(campaign_id=SMALL), BOB, key="key-00002")

    again = bench.perform(hold)

    assert again.was_done_before
    assert len(said(bench, HoldRequested)) == 1


def test_a_pause_that_was_taken_back_was_done_before(bench: ActBench) -> None:
    pause = Pause(campaign_id=SMALL)
    bench.perform(pause)
    bench.perform(Resume(campaign_id=SMALL), BOB, key="key-00002")

    assert bench.perform(pause).was_done_before
    assert len(said(bench, PauseRequested)) == 1


def test_an_emergency_stop_repeated_after_it_was_cleared_latches_log_and_station(
    bench: ActBench,
) -> None:
    stop = EmergencyStop(reason="smoke")
    bench.perform(stop)
    bench.perform(ClearLatch(reason="toast"), BOB, key="key-00002")

    again = bench.perform(stop)

    assert bench.station.latch == "smoke"
    assert not again.was_done_before
    assert said(bench, LatchSet, LatchCleared) == [
        ("ada", "LatchSet"),
        ("bob", "LatchCleared"),
        ("ada", "LatchSet"),
    ]


def test_a_used_key_does_not_keep_a_stop_from_bench_and_log(bench: ActBench) -> None:
    bench.perform(Approve(campaign_id=SMALL, candidate_id="C0004"))

    with pytest.raises(RequestRefused, match=r"another act.*station small-bench did it: done"):
        bench.perform(Abort(campaign_id=SMALL, reason="fire"))

    assert bench.station.ending == {SMALL: "abort"}
    assert bench.records()[-1].event.kind == "AbortRequested"
    assert bench.records()[-1].actor == "ada"


def test_somebody_elses_key_does_not_keep_a_stop_from_bench_and_log(bench: ActBench) -> None:
    hold = Hold(campaign_id=SMALL, reason="look")
    bench.perform(hold, BOB)
    bench.perform(Resume(campaign_id=SMALL), BOB, key="key-00002")

    with pytest.raises(RequestRefused, match="another act"):
        bench.perform(hold)

    assert bench.station.ending == {SMALL: "hold"}
    assert (bench.records()[-1].actor, bench.records()[-1].event.kind) == ("ada", "HoldRequested")


def test_a_latch_that_the_station_clears_in_the_log_itself_is_no_other_persons_act(
    bench: ActBench,
) -> None:
    """A station writes who cleared the latch, under that name, before the act comes to it."""
    bench.say(LatchSet(source="operator", reason="smoke"))
    bench.station.latch = "smoke"
    bench.station.note = lambda fact: bench.say(fact, actor="ada")

    told = bench.perform(ClearLatch(reason="toast"), seen=bench.last_seq())

    assert told.is_done
    assert told.message == "the stop latch is cleared"
    assert bench.station.latch == ""
    assert said(bench, LatchCleared) == [("ada", "LatchCleared")]
    assert bench.kept() is not None


def test_an_emergency_stop_that_the_station_logs_itself_is_in_the_log_once(bench: ActBench) -> None:
    bench.station.note = lambda fact: bench.say(fact, actor="ada")
    stop = EmergencyStop(reason="smoke")

    bench.perform(stop)

    assert said(bench, LatchSet) == [("ada", "LatchSet")]


def test_what_a_station_did_is_recorded_though_somebody_acted_meanwhile(bench: ActBench) -> None:
    """Bob is quicker than the log, not than the station: what the station did is true."""
    bench.say(InstrumentTakenOut(instrument="balance", reason="draught"))
    seen = bench.last_seq()

    def overtake(_: object) -> None:
        bench.say(LatchSet(source="operator", reason="fire"), actor="bob")

    bench.station.note = overtake
    bench.say(LatchSet(source="operator", reason="smoke"), actor="engine")
    bench.perform(ClearLatch(reason="toast"), seen=seen)

    assert said(bench, LatchCleared) == [("ada", "LatchCleared")]


def test_a_station_that_does_not_clear_the_latch_leaves_it_set(bench: ActBench) -> None:
    bench.say(LatchSet(source="operator", reason="smoke"))
    bench.station.is_willing = False

    with pytest.raises(RequestRefused, match="small-bench: the line is dead"):
        bench.perform(ClearLatch(reason="toast"))

    assert said(bench, LatchCleared) == []
    assert bench.kept() is None


def test_a_cleared_latch_that_the_log_does_not_take_says_what_the_station_did(
    bench: ActBench,
) -> None:
    bench.say(LatchSet(source="operator", reason="smoke"))
    bench.is_full = True

    with pytest.raises(LogUnavailable, match=r"full; station small-bench did it: done"):
        bench.perform(ClearLatch(reason="toast"))


def test_an_act_that_appends_nothing_is_kept_and_not_done_again(bench: ActBench) -> None:
    bench.perform(AcknowledgeAll(reason="seen"))
    nothing = AcknowledgeAll(reason="seen again")
    ended = bench.last_seq()

    first, second = (bench.perform(nothing, key="key-00002") for _ in range(2))

    assert (first.message, first.was_done_before) == ("acknowledged: 0", False)
    assert (second.was_done_before, second.seq, bench.last_seq()) == (True, ended, ended)


def test_an_act_is_done_although_nobody_can_read_the_log_after_it(bench: ActBench) -> None:
    opened = bench.open_lab
    n_left = [2]

    def failing(name, acting):
        if not n_left[0]:
            raise LogUnavailable("the disk is gone")
        n_left[0] -= 1
        return opened(name, acting)

    bench.open_lab = failing  # type: ignore[method-assign]  # the log goes away after the act

    told = bench.perform(Approve(campaign_id=SMALL, candidate_id="C0004"))

    assert (told.message, told.seq) == ("C0004 is approved", 0)


def test_the_later_of_two_on_stale_pages_is_told_and_not_obeyed(bench: ActBench) -> None:
    seen = bench.last_seq()
    bench.perform(Approve(campaign_id=SMALL, candidate_id="C0004"), seen=seen)

    with pytest.raises(StaleView) as told:
        bench.perform(
            Reject(campaign_id=SMALL, candidate_id="C0004", reason="it cracks"),
            BOB,
            key="key-00002",
            seen=seen,
        )

    assert (told.value.actor, told.value.kind) == ("ada", "CandidateApproved")
    assert said(bench, *told_kinds()) == [("ada", "CandidateApproved")]
    approved = bench.perform(
        Approve(campaign_id=SMALL, candidate_id="C0005"), BOB, key="key-00003", seen=seen
    )
    assert not approved.was_done_before


def told_kinds() -> tuple[type[Event], ...]:
    from orchestrator.core.events import CandidateApproved, CandidateRejected

    return CandidateApproved, CandidateRejected


def test_a_page_that_minds_nothing_is_obeyed(bench: ActBench) -> None:
    bench.say(PauseRequested(reason="lunch"), stream=STREAM, actor="bob")

    assert bench.perform(Resume(campaign_id=SMALL), seen=None).message


def test_taking_out_reaches_the_station_though_the_log_takes_nothing(bench: ActBench) -> None:
    bench.is_full = True

    with pytest.raises(LogUnavailable, match="station small-bench did it"):
        bench.perform(TakeOut(instrument="balance", reason="draught"))

    assert bench.station.out == {"balance"}


def test_an_instrument_that_the_station_does_not_give_back_stays_out(bench: ActBench) -> None:
    bench.perform(TakeOut(instrument="balance", reason="draught"))
    bench.station.is_willing = False

    with pytest.raises(RequestRefused, match="the line is dead"):
        bench.perform(PutBack(instrument="balance"), key="key-00002")

    assert bench.station.out == {"balance"}
    assert bench.kept("key-00002") is None


def test_of_two_people_one_gets_a_task_and_repeats_are_told_so(bench: ActBench) -> None:
    take = TakeTask(task=TASK)
    bench.perform(take)

    with pytest.raises(DriverError, match="ada"):
        bench.perform(take, BOB, key="key-00002")
    assert bench.perform(take).was_done_before
    assert bench.kept("key-00002") is None


def test_an_answer_that_the_log_did_not_keep_is_kept_when_it_is_repeated(bench: ActBench) -> None:
    finish = FinishTask(task=TASK, values={"mass_g": 1.25}, sds={"mass_g": 0.01}, reason="flat")
    bench.is_full = True
    with pytest.raises(LogUnavailable):
        bench.perform(finish)
    bench.is_full = False

    assert not bench.perform(finish).was_done_before
    assert bench.perform(finish).was_done_before
    (view,) = bench.boards.views(with_answered=True)
    assert (view.by, view.readings) == ("ada", {"mass_g": 1.25})
    assert view.note == "flat (standard uncertainties: mass_g 0.01)"
    with pytest.raises(DriverError, match="done"):
        bench.perform(RefuseTask(task=TASK, reason="no"), key="key-00002")


def test_a_result_by_hand_is_converted_or_refused(bench: ActBench) -> None:
    def given(unit: str) -> GiveResult:
        value = MeasuredQuantity(value=351, sd=2, unit=unit)
        fields = {"campaign_id": SMALL, "experiment_id": "E0004", "reason": "hand-held meter"}
        return GiveResult(values={"overpotential_v": value}, **fields)

    with pytest.raises(RequestRefused, match="expected V or mV"):
        bench.perform(given("mA"))
    bench.perform(given("mV"))

    (found,) = [one for one in bench.records() if one.event.kind == "ObservationGiven"]
    assert found.actor == "ada"
    observation = found.event.model_dump()["observation"]
    assert (observation["values"], observation["sds"]) == (
        {"overpotential_v": 0.351},
        {"overpotential_v": 0.002},
    )


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_no_number_that_is_none_gets_into_an_act(value: str) -> None:
    fields = {"campaign_id": SMALL, "reason": "x"}

    with pytest.raises(ValueError, match="finite"):
        Edit(candidate_id="C0004", changes={"Ni": float(value)}, **fields)
    with pytest.raises(ValueError, match="finite"):
        AddPoint(point={"Ni": float(value)}, **fields)


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=50)


@given(reason=TEXT, other=TEXT)
def test_what_makes_two_requests_the_same_is_all_that_they_say(reason: str, other: str) -> None:
    one, two = (Pause(campaign_id=SMALL, reason=text) for text in (reason, other))

    assert (fingerprint_of(one, "ada") == fingerprint_of(two, "ada")) == (one == two)
    assert fingerprint_of(one, "ada") != fingerprint_of(one, "bob")
    hold = Hold(campaign_id=SMALL, reason=reason)
    assert fingerprint_of(one, "ada") != fingerprint_of(hold, "ada")


@pytest.mark.parametrize(
    "reason",
    [
        "\u2028 line",
        "Ofen prüfen\n炉を点検 بررسی کوره",
        "ö" * 1000,
        "'; DROP TABLE record; --",
        "\N{PILE OF POO}",
    ],
)
def test_a_reason_stands_in_the_log_as_it_was_said(bench: ActBench, reason: str) -> None:
    act = Pause(campaign_id=SMALL, reason=reason)

    bench.perform(act)

    assert bench.records()[-1].event == PauseRequested(reason=act.reason)
    assert bench.kept() is not None
    assert ADA.name == bench.records()[-1].actor


def test_a_time_is_said_with_who_and_what(bench: ActBench) -> None:
    stale = StaleView("bob", "PauseRequested", datetime(2026, 1, 1, tzinfo=UTC), seq=7)

    assert str(stale).startswith("nothing was done: bob acted on this at 2026-01-01T00:00:00+00:00")


def test_a_second_emergency_stop_stands_in_the_log_and_makes_pages_old(bench: ActBench) -> None:
    """Whoever wants to clear the first one has to see the second, with or without a station."""
    bench.perform(EmergencyStop(reason="smoke"))
    seen = bench.last_seq()

    bench.perform(EmergencyStop(reason="a flame"), BOB, key="key-00002")

    assert said(bench, LatchSet) == [("ada", "LatchSet"), ("bob", "LatchSet")]
    with pytest.raises(StaleView, match="bob acted on this"):
        bench.perform(ClearLatch(reason="toast"), key="key-00003", seen=seen)
    assert bench.station.latch == "a flame"
