"""At most once for ever: orders, restarts of the station, and what the device is asked then."""

import asyncio

import pytest

from orchestrator.execution.executor import Done, Outcome, Refused, Unknown
from orchestrator.landmarks import watched_by
from orchestrator.log.station_journal import OrderStage
from tests.support.benches import again, order
from tests.support.mortal_station import Died, FragileJournal, Station, at_a_station, die_at

TRANSFER = order("pump_x1", "transfer", volume_ul=500.0, rate_ul_per_min=1500.0)
WEIGH = order("balance", "measure_mass")
TARE = order("balance", "tare")


def test_the_same_order_twice_is_done_once_and_answered_twice() -> None:
    async def visit(station: Station) -> None:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(station.executor.perform(TRANSFER))
            await station.clock.sleep(5.0)
            second = group.create_task(station.executor.perform(TRANSFER))
        third = await station.executor.perform(TRANSFER)

        assert isinstance(first.result(), Done)
        assert first.result() == second.result() == third
        assert station.moved_ul() == pytest.approx(500.0, rel=0.02)

    at_a_station(visit)


def test_an_order_that_never_arrived_is_refused_for_ever() -> None:
    async def visit(station: Station) -> None:
        settled = await station.executor.settle(TRANSFER)
        late = await station.executor.perform(TRANSFER)

        assert isinstance(settled, Refused)
        assert (settled.error, settled.has_acted) == ("NotAccepted", False)
        assert late == settled
        assert station.moved_ul() == 0.0

    at_a_station(visit)


def test_an_order_that_was_refused_stays_refused() -> None:
    async def visit(station: Station) -> None:
        station.executor.take_out("pump_x1", "leaks")
        refused = await station.executor.perform(TRANSFER)
        station.executor.put_back("pump_x1")

        assert isinstance(refused, Refused)
        assert refused.error == "InstrumentOut"
        assert await station.executor.perform(TRANSFER) == refused
        assert isinstance(await station.executor.perform(again(TRANSFER)), Done)

    at_a_station(visit)


def test_epochs_belong_to_campaigns() -> None:
    async def visit(station: Station) -> None:
        await station.executor.perform(order("balance", "tare", campaign_id="a", epoch=5))

        old = await station.executor.perform(order("balance", "zero", campaign_id="a", epoch=4))
        other = await station.executor.perform(order("balance", "zero", campaign_id="b", epoch=1))

        assert isinstance(old, Refused)
        assert old.error == "OldEpoch"
        assert isinstance(other, Done)

    at_a_station(visit)


@pytest.mark.parametrize(
    ("label", "n", "after_s", "expected", "moved"),
    [
        ("station: before the order is accepted", 1, 0.0, ("NotAccepted", False), 0.0),
        ("station: after the order was accepted", 1, 0.0, ("NothingDone", False), 0.0),
        ("station: before bytes are sent", 9, 0.0, ("NothingDone", False), 0.0),
        ("station: before the act is noted", 1, 0.0, ("NothingDone", False), 0.0),
        ("station: after the act was noted", 1, 0.0, ("NothingDone", False), 0.0),
        ("station: after bytes were sent", 24, 3.0, ("DeviceFault", True), 0.0),
    ],
)
def test_a_station_that_died_finds_out_what_the_pump_did(
    label: str, n: int, after_s: float, expected: tuple[str, bool], moved: float
) -> None:
    async def visit(station: Station) -> None:
        await die_at(station, label, TRANSFER, n)
        await station.clock.sleep(after_s)
        reborn = await station.restarted()

        settled = await reborn.executor.settle(TRANSFER)
        once_more = await reborn.executor.settle(TRANSFER)
        late = await reborn.executor.perform(TRANSFER)
        await reborn.clock.sleep(100.0)

        assert isinstance(settled, Refused)
        assert (settled.error, settled.has_acted) == expected
        assert settled == once_more == late
        assert reborn.moved_ul() == moved
        assert isinstance(await reborn.executor.perform(again(TRANSFER)), Done)
        await reborn.executor.close()

    at_a_station(visit)


def test_a_stroke_that_ended_while_the_station_was_dead_has_run() -> None:
    async def visit(station: Station) -> None:
        draw = order("pump_x1", "withdraw", volume_ul=300.0, rate_ul_per_min=1500.0)
        await die_at(station, "station: after bytes were sent", draw, 24)
        await station.clock.sleep(60.0)
        reborn = await station.restarted()

        settled = await reborn.executor.settle(draw)

        assert isinstance(settled, Done)
        (reading,) = settled.readings
        assert reading.name == "withdrawn_volume_ul"
        assert reading.value == pytest.approx(300.0, rel=0.01)
        await reborn.executor.close()

    at_a_station(visit)


def test_a_device_that_did_it_is_heard_though_a_person_said_that_it_did_not() -> None:
    async def visit(station: Station) -> None:
        draw = order("pump_x1", "withdraw", volume_ul=300.0, rate_ul_per_min=1500.0)
        await die_at(station, "station: after bytes were sent", draw, 24)
        await station.clock.sleep(60.0)
        reborn = await station.restarted()

        contradicted = await reborn.executor.perform(again(draw))
        drawn_ul = sum(act.amount for act in reborn.bench.acts()["pump_x1"])
        insisted = await reborn.executor.perform(again(draw, 3))

        assert isinstance(contradicted, Unknown)
        assert f"pump_x1 says of {draw.key}: it ran" in contradicted.evidence
        assert drawn_ul == pytest.approx(300.0, rel=0.02)
        assert isinstance(insisted, Done)
        await reborn.executor.close()

    at_a_station(visit)


def test_an_outcome_that_was_not_kept_is_asked_for() -> None:
    async def visit(station: Station) -> None:
        await die_at(station, "station: before the outcome is kept", TRANSFER)
        assert station.stage(TRANSFER.key) is OrderStage.ACTING
        reborn = await station.restarted()

        settled = await reborn.executor.settle(TRANSFER)

        assert isinstance(settled, Done)
        assert {reading.name for reading in settled.readings} == {
            "dispensed_volume_ul",
            "withdrawn_volume_ul",
        }
        assert reborn.moved_ul() == pytest.approx(500.0, rel=0.02)
        await reborn.executor.close()

    at_a_station(visit)


@pytest.mark.parametrize(
    "label",
    [
        "station: before a device is asked what it did",
        "station: after a device was asked what it did",
        "station: before the outcome is kept",
    ],
)
def test_recovery_may_be_killed_at_any_point(label: str) -> None:
    async def visit(station: Station) -> None:
        await die_at(station, "station: after bytes were sent", TRANSFER, 24)
        await station.clock.sleep(3.0)
        second = await station.restarted()

        def watch(reached: str) -> None:
            if reached == label:
                raise Died

        with watched_by(watch), pytest.raises(Died):
            await second.executor.settle(TRANSFER)
        third = await second.restarted()
        settled = await third.executor.settle(TRANSFER)

        assert isinstance(settled, Refused)
        assert (settled.error, settled.has_acted) == ("DeviceFault", True)
        await second.executor.close()
        await third.executor.connect()
        await third.executor.close()

    at_a_station(visit)


def test_a_pump_that_lost_its_power_meanwhile_leaves_it_to_a_person() -> None:
    async def visit(station: Station) -> None:
        await die_at(station, "station: after bytes were sent", TRANSFER, 24)
        await station.clock.sleep(3.0)
        station.bench.device("pump_x1").power_cycle()
        second = await station.restarted()
        third = await second.restarted()

        settled = await third.executor.settle(TRANSFER)

        assert isinstance(settled, Unknown)
        assert "switched off" in settled.evidence
        assert await third.executor.settle(TRANSFER) == settled
        assert isinstance(await third.executor.perform(again(TRANSFER)), Done)
        await second.executor.close()
        await third.executor.close()

    at_a_station(visit)


def test_an_act_that_was_cut_off_is_settled_before_the_next_one_wipes_its_traces() -> None:
    async def visit(station: Station) -> None:
        await die_at(station, "station: after bytes were sent", TRANSFER, 24)
        await station.clock.sleep(3.0)
        reborn = await station.restarted()

        other = order(
            "pump_x1", "dispense", campaign_id="other", volume_ul=10.0, rate_ul_per_min=900.0
        )
        assert isinstance(await reborn.executor.perform(other), Done)
        settled = await reborn.executor.settle(TRANSFER)

        assert isinstance(settled, Refused)
        assert (settled.error, settled.has_acted) == ("DeviceFault", True)
        await reborn.executor.close()

    at_a_station(visit)


def test_a_reading_or_a_tare_that_was_cut_off_may_be_repeated() -> None:
    async def visit(station: Station) -> None:
        await die_at(station, "station: after bytes were sent", TARE)
        await die_at(station, "station: after bytes were sent", WEIGH)
        reborn = await station.restarted()

        for wanted in (TARE, WEIGH):
            settled = await reborn.executor.settle(wanted)
            assert isinstance(settled, Refused)
            assert (settled.error, settled.has_acted) == ("NothingDone", False)
            assert isinstance(await reborn.executor.perform(again(wanted)), Done)
        await reborn.executor.close()

    at_a_station(visit)


def test_an_interrupted_order_keeps_what_the_device_says() -> None:
    async def visit(station: Station) -> None:
        early = asyncio.ensure_future(station.executor.perform(TRANSFER))
        await station.clock.sleep(0.05)
        early.cancel()
        with pytest.raises(asyncio.CancelledError):
            await early
        await station.clock.sleep(15.0)
        late = asyncio.ensure_future(station.executor.perform(again(TRANSFER)))
        await station.clock.sleep(5.03)
        late.cancel()
        with pytest.raises(asyncio.CancelledError):
            await late

        nothing = await station.executor.settle(TRANSFER)
        partly = await station.executor.settle(again(TRANSFER))

        assert isinstance(nothing, Refused)
        assert (nothing.error, nothing.has_acted) == ("NothingDone", False)
        assert isinstance(partly, Refused)
        assert (partly.error, partly.has_acted) == ("DeviceFault", True)
        assert "called off" in partly.message

    at_a_station(visit)


@pytest.mark.parametrize("full_for", ["accept", "note_act"])
def test_a_journal_that_cannot_be_written_lets_nothing_be_sent(full_for: str) -> None:
    async def visit(station: Station) -> None:
        station.journal.full_for = {full_for}
        refused = await station.executor.perform(TRANSFER)
        await station.clock.sleep(60.0)
        moved_ul = station.moved_ul()
        station.journal.full_for = set()

        assert isinstance(refused, Refused)
        assert (refused.error, refused.has_acted) == ("JournalError", False)
        assert moved_ul == 0.0
        assert isinstance(await station.executor.perform(again(TRANSFER)), Done)

    at_a_station(visit)


def test_an_outcome_that_cannot_be_kept_is_told_and_kept_before_anything_else_is_sent() -> None:
    async def visit(station: Station) -> None:
        station.journal.full_for = {"end"}
        done = await station.executor.perform(TRANSFER)
        same = await station.executor.settle(TRANSFER)
        refused = await station.executor.perform(again(WEIGH))
        station.journal.full_for = set()
        weighed = await station.executor.perform(again(WEIGH, 3))

        assert isinstance(done, Done)
        assert same == done
        assert isinstance(refused, Refused)
        assert refused.error == "JournalError"
        assert isinstance(weighed, Done)
        assert await station.executor.settle(TRANSFER) == done
        assert station.stage(TRANSFER.key) is OrderStage.ENDED

    at_a_station(visit)


def test_outcomes_are_never_raised() -> None:
    async def visit(station: Station) -> None:
        found: list[Outcome] = [
            await station.executor.settle(order("pump_x9", "transfer")),
            await station.executor.settle(order("pump_x1", "explode")),
        ]

        assert [one.kind for one in found] == ["refused", "refused"]

    at_a_station(visit)


def test_an_act_kept_by_another_version_blocks_its_instrument_until_its_engine_asks() -> None:
    async def visit(station: Station) -> None:
        await die_at(station, "station: after bytes were sent", TRANSFER, 24)
        entry = station.journal.entry(TRANSFER.key)
        assert entry is not None
        other = FragileJournal()
        other.accept(TRANSFER.key, '{"schema": 99}', "pump_x1")
        other.note_act(TRANSFER.key, entry.notes[-1])
        await station.clock.sleep(3.0)
        reborn = await Station.at(station.bench, station.clock, other)

        refused = await reborn.executor.perform(again(TRANSFER))
        settled = await reborn.executor.settle(TRANSFER)
        done = await reborn.executor.perform(again(TRANSFER, 3))

        assert isinstance(refused, Refused)
        assert refused.error == "DoubtOpen"
        assert isinstance(settled, Refused)
        assert (settled.error, settled.has_acted) == ("DeviceFault", True)
        assert isinstance(done, Done)
        await reborn.executor.close()

    at_a_station(visit)
