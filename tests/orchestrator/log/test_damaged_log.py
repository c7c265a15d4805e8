"""A log that somebody or something has changed behind our back."""

from pathlib import Path
from shutil import copyfile

import apsw
import pytest

from orchestrator.errors import LogCorrupt, LogError
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.recorded_events import STREAM, append, events_of_every_kind, life


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed log of 45 records, all in one file."""
    path = tmp_path / "athanor.db"
    log = open_sqlite_log(path)
    append(log, *life(), stream=STREAM)
    append(log, *events_of_every_kind())
    log.close()
    return path


def tamper(path: Path, statement: str) -> None:
    """Do what somebody does who knows SQLite: drop the triggers, then change the record."""
    connection = apsw.Connection(str(path))
    for trigger in ("record_follows", "record_stays", "record_remains"):
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.pragma("ignore_check_constraints", True)
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("payload = replace(payload, '\"attempt\":1', '\"attempt\":2')", "fit its hash"),
        ("payload = payload || ' '", "fit its hash"),
        ("payload = CAST(x'ff' AS TEXT)", "fit its hash"),
        ("hash = replace(hash, substr(hash, 1, 1), 'z')", "fit its hash"),
        ("previous_hash = hash", "hash of the record before"),
        ("time = '2026-03-02T08:00:00.000001+00:00'", "fit its hash"),
        ("actor = 'somebody else'", "fit its hash"),
        ("actor = CAST(x'ff' AS TEXT)", "decode"),
        ("stream = 'lab2'", "version 4 of stream 'lab2'"),
        ("is_simulated = 0", "fit its hash"),
        ("is_simulated = 2", "is_simulated 2"),
        ("version = 99", "got version 99"),
        ("seq = 99", "got seq 5, expected 4"),
    ],
)
def test_any_change_of_a_record_is_found(path: Path, change: str, reason: str) -> None:
    tamper(path, f"UPDATE record SET {change} WHERE seq = 4")

    log = open_sqlite_log(path)
    found = log.verify()

    assert (found.n_records, found.first_bad_seq) == (3, 4)
    assert reason in found.reason
    log.close()


@pytest.mark.parametrize("change", ["actor = 'somebody else'", "payload = '{}'"])
def test_a_changed_record_is_not_read(path: Path, change: str) -> None:
    tamper(path, f"UPDATE record SET {change} WHERE seq = 4")

    log = open_sqlite_log(path)
    records = log.read()

    assert [next(records).seq for _ in range(3)] == [1, 2, 3]
    with pytest.raises(LogCorrupt, match="record 4"):
        next(records)
    log.close()


def test_a_record_that_is_missing_is_found(path: Path) -> None:
    tamper(path, "DELETE FROM record WHERE seq = 10")

    log = open_sqlite_log(path)

    assert log.verify().first_bad_seq == 10
    assert "a record is missing" in log.verify().reason
    log.close()


def test_records_that_were_cut_off_are_missed(path: Path) -> None:
    tamper(path, "DELETE FROM record WHERE seq > 15")

    log = open_sqlite_log(path)
    found = log.verify()

    assert (found.n_records, found.first_bad_seq) == (15, 16)
    assert found.reason == "the newest records are missing: there were 18"
    log.close()


@pytest.mark.slow
def test_any_flipped_byte_of_a_record_is_found_or_refused(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("VACUUM")
    row = connection.execute(
        "SELECT stream, time, actor, payload, previous_hash, hash FROM record WHERE seq = 4"
    ).get
    connection.close()
    whole = path.read_bytes()
    before_payload = len("".join(row[:3])) + 1
    start = whole.rindex("".join(row[3:]).encode()) - before_payload
    places = range(start, start + len("".join(row)) + 1)

    missed = []
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 0x04
        path.write_bytes(damaged)
        if not is_refused_or_found(path):
            missed.append(place - start)

    assert whole[start:].startswith(row[0].encode())
    assert whole[: places.stop].endswith(row[-1].encode())
    assert missed == []


def is_refused_or_found(path: Path) -> bool:
    try:
        log = open_sqlite_log(path)
        found = log.verify()
        log.close()
    except LogError:
        return True
    return not found.is_whole


def test_a_truncated_file_is_refused_or_an_intact_prefix(path: Path, tmp_path: Path) -> None:
    whole = path.read_bytes()
    original = open_sqlite_log(path)
    hashes = [record.hash for record in original.read()]
    original.close()
    cut = tmp_path / "cut.db"

    for size in range(1, len(whole), 1511):
        cut.write_bytes(whole[:size])
        try:
            log = open_sqlite_log(cut, must_exist=True)
        except LogError:
            continue
        found = log.verify()
        log.close()
        assert not found.is_whole or found.n_records == len(hashes)


def test_a_truncated_write_ahead_log_is_an_intact_prefix(tmp_path: Path) -> None:
    path, cut = tmp_path / "athanor.db", tmp_path / "cut.db"
    log = open_sqlite_log(path)
    hashes = [append(log, event, stream=STREAM)[0].hash for event in life()]
    wal = Path(f"{path}-wal").read_bytes()
    lengths = []

    for size in range(0, len(wal), len(wal) // 25):
        copyfile(path, cut)
        Path(f"{cut}-wal").write_bytes(wal[:size])
        try:
            prefix = open_sqlite_log(cut, must_exist=True)
        except LogError:
            continue
        assert prefix.verify().first_bad_seq is None
        assert [record.hash for record in prefix.read()] == hashes[: prefix.last_seq()]
        lengths.append(prefix.last_seq())
        prefix.close()
    log.close()

    assert lengths == sorted(lengths)
    assert lengths[-1] > lengths[0]
