"""Facts reach the log, at once or later, and never hold anybody up."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from threading import Event

from drivers.clock import SystemClock
from orchestrator.core.lab_events import InstrumentLost, LatchSet, WatchdogActed
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.station.facts import FactWriter, KeptFact, append_to_file, facts_in_file

LOST = KeptFact(
    time=SystemClock().now(),
    actor="station",
    event=InstrumentLost(instrument="balance", reason="no answer"),
)


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        Event().wait(0.01)
    raise AssertionError("it never held")


def _records(database: Path):
    log = open_sqlite_log(database, must_exist=True)
    found = list(log.read(stream="lab"))
    log.close()
    return found


def _writer(folder: Path) -> FactWriter:
    return FactWriter(folder / "lab.db", folder / "facts.jsonl", is_simulated=True)


def test_facts_are_appended_in_order_with_who_said_so(tmp_path):
    writer = _writer(tmp_path)
    writer.start()

    writer.put(InstrumentLost(instrument="balance", reason="no answer"))
    writer.put(LatchSet(source="operator", reason="smoke"), "Ada")
    writer.close(10.0)

    records = _records(tmp_path / "lab.db")
    assert [(record.event.kind, record.actor) for record in records] == [
        ("InstrumentLost", "station"),
        ("LatchSet", "Ada"),
    ]
    assert all(record.is_simulated for record in records)
    assert not (tmp_path / "facts.jsonl").exists()


def test_what_the_database_does_not_take_waits_in_a_file_for_the_next_station(tmp_path):
    (tmp_path / "lab.db").write_bytes(b"no database at all" * 100)
    writer = _writer(tmp_path)
    writer.start()
    writer.put(InstrumentLost(instrument="balance", reason="no answer"))
    writer.close(10.0)
    assert len(facts_in_file(tmp_path / "facts.jsonl")) == 1

    (tmp_path / "lab.db").unlink()
    later = _writer(tmp_path)
    assert later.n_waiting == 1
    later.start()
    later.close(10.0)

    assert [record.event.kind for record in _records(tmp_path / "lab.db")] == ["InstrumentLost"]
    assert not (tmp_path / "facts.jsonl").exists()


def test_facts_of_a_file_are_not_written_to_it_again(tmp_path):
    (tmp_path / "lab.db").write_bytes(b"no database at all" * 100)
    for name in ("first", "second"):
        writer = _writer(tmp_path)
        writer.start()
        writer.put(InstrumentLost(instrument=name, reason="no answer"))
        writer.close(10.0)

    kept = facts_in_file(tmp_path / "facts.jsonl")
    assert [fact.event.instrument for fact in kept] == ["first", "second"]


def test_a_torn_line_is_left_out(tmp_path):
    path = tmp_path / "facts.jsonl"
    acted = WatchdogActed(reason="station 7 died", unsafe={"pump": "no answer"})
    append_to_file(path, [KeptFact(time=SystemClock().now(), actor="watchdog", event=acted)])
    path.write_bytes(path.read_bytes() + b'{"time": "2026-')

    assert [fact.event for fact in facts_in_file(path)] == [acted]


def test_a_fact_behind_a_torn_line_is_read(tmp_path):
    path = tmp_path / "facts.jsonl"
    path.write_bytes(b'{"time": "2026-')

    append_to_file(path, [LOST])

    assert facts_in_file(path) == [LOST]


def test_facts_that_wait_for_the_database_survive_a_killed_station(tmp_path):
    (tmp_path / "lab.db").write_bytes(b"no database at all" * 100)
    writer = _writer(tmp_path)
    writer.start()

    writer.put(LOST.event)
    _until(lambda: facts_in_file(tmp_path / "facts.jsonl") != [])

    assert writer.not_kept == ""
    assert [fact.event for fact in facts_in_file(tmp_path / "facts.jsonl")] == [LOST.event]
    assert writer.close(10.0)


def test_facts_that_no_file_takes_are_said_and_lost_only_at_the_end(tmp_path, caplog):
    (tmp_path / "lab.db").write_bytes(b"no database at all" * 100)
    writer = FactWriter(tmp_path / "lab.db", tmp_path / "none" / "facts", is_simulated=True)
    writer.start()

    writer.put(LOST.event)
    _until(lambda: writer.not_kept != "")

    assert "No such file" in writer.not_kept
    assert not writer.close(10.0)
    assert "InstrumentLost" in caplog.text


def test_a_full_disk_gives_up_its_reserve_for_facts(tmp_path, monkeypatch):
    path, reserve = tmp_path / "facts.jsonl", tmp_path / "reserve"
    reserve.write_bytes(b"room")
    sync = os.fsync

    def sync_where_there_is_room(descriptor: int) -> None:
        if reserve.exists():
            raise OSError(errno.ENOSPC, "no room")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", sync_where_there_is_room)

    append_to_file(path, [LOST])

    assert facts_in_file(path) == [LOST]
    assert not reserve.exists()
