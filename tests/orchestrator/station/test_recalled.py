"""A station that starts applies what people decided while none lived."""

import asyncio
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from orchestrator.core.events import LAB_STREAM, Event
from orchestrator.core.lab_events import (
    InstrumentPutBack,
    InstrumentTakenOut,
    LatchCleared,
    LatchSet,
)
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.station.facts import FactWriter
from orchestrator.station.recalled import recall
from tests.support.pretend_station import PretendCore
from tests.support.recorded_campaign import OPENED

SMOKE = LatchSet(source="operator", reason="smoke")
OUT = InstrumentTakenOut(instrument="balance", reason="it drifts")


def _started(folder: Path, *decided: Event, latch: str = "") -> tuple[PretendCore, list[Event]]:
    """Let people decide, then start a station; return it and what the laboratory's stream says."""
    database = folder / "lab.db"
    log = open_sqlite_log(database)
    if decided:
        log.append(LAB_STREAM, decided, time=OPENED, actor="ada", is_simulated=True)
    core, facts = (
        PretendCore(why_latched=latch),
        FactWriter(database, folder / "facts.jsonl", is_simulated=True),
    )
    facts.start()
    asyncio.run(recall(core, database, facts, SystemClock()))
    facts.close(10.0)
    events = [record.event for record in log.read(stream=LAB_STREAM)]
    log.close()
    return core, events


def test_a_latch_and_an_instrument_out_of_service_are_known_again(tmp_path):
    core, events = _started(tmp_path, SMOKE, OUT)

    assert core.latch() == "operator: smoke"
    assert core.out() == {"balance": "it drifts"}
    assert events == [SMOKE, OUT]


def test_what_was_taken_back_is_not_applied(tmp_path):
    decided = SMOKE, OUT, LatchCleared(reason="toast"), InstrumentPutBack(instrument="balance")

    core, events = _started(tmp_path, *decided)

    assert (core.latch(), core.out()) == ("", {})
    assert events == list(decided)


def test_a_latch_that_only_the_journal_knows_is_said_so_that_a_person_can_clear_it(tmp_path):
    core, events = _started(tmp_path, latch="smoke")

    assert core.latch() == "smoke"
    assert events == [LatchSet(source="station", reason="smoke")]


def test_an_instrument_of_another_rig_is_left_alone(tmp_path):
    core, _ = _started(tmp_path, InstrumentTakenOut(instrument="furnace_of_bench_2", reason="cold"))

    assert core.out() == {}


@pytest.mark.slow
def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path):
    core = PretendCore()
    facts = FactWriter(tmp_path / "lab.db", tmp_path / "facts.jsonl", is_simulated=True)

    async def start() -> None:
        recalling = asyncio.create_task(recall(core, tmp_path / "lab.db", facts, SystemClock()))
        await asyncio.wait({recalling}, timeout=0.1)
        assert not recalling.done()
        log = open_sqlite_log(tmp_path / "lab.db")
        log.append(LAB_STREAM, [SMOKE], time=OPENED, actor="ada", is_simulated=True)
        log.close()
        await recalling

    asyncio.run(start())
    assert core.latch() == "operator: smoke"
