"""Facts reach the log, at once or later, and never hold anybody up."""

from pathlib import Path

from drivers.clock import SystemClock
from orchestrator.core.lab_events import InstrumentLost, LatchSet, WatchdogActed
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.station.facts import FactWriter, KeptFact, append_to_file, facts_in_file


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
