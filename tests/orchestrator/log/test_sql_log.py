from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import apsw
import pytest

from orchestrator.core.events import JobFinished, LoggedReading, PauseRequested
from orchestrator.errors import LogCorrupt, LogError, LogTooNew, LogUnavailable
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from orchestrator.log.sql_schema import APPLICATION_ID, LAYOUT, refuse_unsound_sqlite
from orchestrator.log.tables import TABLES
from tests.support.recorded_events import STREAM, append, life, opened, started


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "athanor.db"


@pytest.fixture
def log(path: Path) -> Iterator[SqliteLog]:
    made = open_sqlite_log(path)
    yield made
    made.close()


def bulky() -> JobFinished:
    readings = (LoggedReading(name="voltage_v", value=tuple(i / 7 for i in range(300))),)
    return JobFinished(job_id="E0001/tare", readings=readings)


def fill(log: SqliteLog, acknowledged: list[int]) -> None:
    for _ in range(100):
        acknowledged.append(append(log, bulky(), bulky(), stream=STREAM)[-1].seq)


def test_a_log_is_there_again_after_closing(path: Path) -> None:
    first = open_sqlite_log(path)
    append(first, *life(), stream=STREAM)
    hash_before = first.verify().last_hash
    rows = {table: first.projection(table) for table in TABLES}
    first.close()

    again = open_sqlite_log(path, must_exist=True)

    assert again.verify().last_hash == hash_before
    assert {table: again.projection(table) for table in TABLES} == rows
    append(again, PauseRequested())
    assert again.verify().first_bad_seq is None
    again.close()


def test_making_a_log_object_opens_nothing(path: Path) -> None:
    log = SqliteLog(path)

    assert not path.exists()
    with pytest.raises(LogError, match="unable to open"):
        log.last_seq()
    assert not path.exists()


def test_every_commit_goes_to_the_disk(log: SqliteLog) -> None:
    connection = log._connection()

    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("application_id") == APPLICATION_ID
    assert connection.pragma("user_version") == LAYOUT


def test_columns_in_sqlite_are_those_of_the_tables(log: SqliteLog) -> None:
    for name, table in TABLES.items():
        columns = log._connection().execute(f"SELECT name FROM pragma_table_info('{name}')")
        assert tuple(column for (column,) in columns) == table.columns


def test_a_log_that_must_exist_is_not_made(path: Path) -> None:
    with pytest.raises(LogError, match=r"athanor\.db: unable to open"):
        open_sqlite_log(path, must_exist=True)
    assert not path.exists()

    path.touch()
    with pytest.raises(LogError, match="there is no log in it"):
        open_sqlite_log(path, must_exist=True)


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    with apsw.Connection(str(path)) as foreign:
        foreign.execute("CREATE TABLE contacts (name TEXT)")
    foreign.close()
    before = path.read_bytes()

    with pytest.raises(LogError, match="not a log of Athanor"):
        open_sqlite_log(path)

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("dear diary, " * 100)

    with pytest.raises(LogCorrupt, match="not a database"):
        open_sqlite_log(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="unable to open"):
        open_sqlite_log(tmp_path)


def test_a_log_of_a_later_version_is_refused(path: Path, log: SqliteLog) -> None:
    log._connection().pragma("user_version", LAYOUT + 1)

    with pytest.raises(
        LogTooNew, match=f"got the layout {LAYOUT + 1}, this Athanor reads up to {LAYOUT}"
    ):
        open_sqlite_log(path)


def test_a_log_without_a_layout_is_refused(path: Path, log: SqliteLog) -> None:
    log._connection().pragma("user_version", 0)

    with pytest.raises(LogCorrupt, match="got the layout 0"):
        open_sqlite_log(path)


@pytest.mark.parametrize("version", ["3.51.2", "3.45.1", "3.7"])
def test_an_unsound_sqlite_is_refused(version: str) -> None:
    with pytest.raises(LogError, match=r"expected 3\.51\.3 or later"):
        refuse_unsound_sqlite(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.54.1", "4.0.0", "3.52"])
def test_a_sound_sqlite_is_accepted(version: str) -> None:
    refuse_unsound_sqlite(version)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE record SET actor = 'somebody else' WHERE seq = 1", "never changed"),
        ("DELETE FROM record WHERE seq = 18", "never removed"),
        ("DELETE FROM record", "never removed"),
        (
            "INSERT OR REPLACE INTO record SELECT seq, stream, version, time, 'x', is_simulated,"
            " payload, previous_hash, hash FROM record WHERE seq = 1",
            "not the next record",
        ),
        (
            "INSERT INTO record SELECT 20, stream, 19, time, actor, is_simulated, payload, hash,"
            " hash FROM record WHERE seq = 18",
            "not the next record",
        ),
        (
            "INSERT INTO record SELECT 19, stream, 19, time, actor, is_simulated, payload,"
            " previous_hash, hash FROM record WHERE seq = 18",
            "not the next record",
        ),
        (
            "INSERT INTO record SELECT 19, stream, 19, time, actor, 2, payload, hash, hash"
            " FROM record WHERE seq = 18",
            "CHECK constraint",
        ),
    ],
)
def test_the_store_itself_refuses_what_a_log_may_not_do(
    log: SqliteLog, statement: str, reason: str
) -> None:
    append(log, *life(), stream=STREAM)

    with pytest.raises(apsw.ConstraintError, match=reason):
        log._connection().execute(statement)

    assert log.verify().first_bad_seq is None
    assert log.last_seq() == len(life()) == 18


def test_a_full_disk_appends_nothing_and_harms_nothing(log: SqliteLog) -> None:
    append(log, opened(), started(), stream=STREAM)
    connection = log._connection()
    connection.pragma("max_page_count", connection.pragma("page_count") + 12)

    acknowledged: list[int] = []
    with pytest.raises(LogError, match="full"):
        fill(log, acknowledged)

    n_appended = acknowledged[-1]
    assert len(acknowledged) > 2
    assert log.last_seq() == log.version(STREAM) == n_appended
    assert log.projection("campaign")[0]["last_seq"] == n_appended
    assert log.verify().first_bad_seq is None
    connection.pragma("max_page_count", 1_000_000)
    append(log, bulky(), stream=STREAM)
    assert log.verify().n_records == n_appended + 1


def test_a_number_too_large_for_the_store_appends_nothing(log: SqliteLog) -> None:
    with pytest.raises(LogError):
        append(log, opened().model_copy(update={"seed": 2**70}), stream=STREAM)

    assert log.last_seq() == 0


def test_a_read_only_file_refuses_an_append(path: Path, log: SqliteLog) -> None:
    append(log, PauseRequested())
    log._connection().pragma("query_only", True)

    with pytest.raises(LogError, match="readonly"):
        append(log, PauseRequested())

    assert log.last_seq() == 1


def test_a_writer_that_waits_too_long_says_so(path: Path, log: SqliteLog) -> None:
    other = open_sqlite_log(path)
    other._connection().set_busy_timeout(1)
    log._connection().execute("BEGIN IMMEDIATE")

    with pytest.raises(LogError, match="locked"):
        append(other, PauseRequested())

    log._connection().execute("ROLLBACK")
    append(other, PauseRequested())
    assert log.last_seq() == 1
    other.close()


def test_a_reader_sees_nothing_of_an_unfinished_append(path: Path, log: SqliteLog) -> None:
    append(log, opened(), stream=STREAM)
    other = open_sqlite_log(path)

    with log._write() as connection:
        connection.execute("DELETE FROM campaign")
        assert len(other.projection("campaign")) == 1
        assert other.last_seq() == 1

    other.close()


def test_each_thread_has_its_own_connection(log: SqliteLog) -> None:
    found: list[object] = [log._connection()]
    thread = Thread(target=lambda: found.append(log._connection()))
    thread.start()
    thread.join()

    assert found[0] is not found[1]
    assert found[0] is log._connection()


def test_following_one_stream_neither_scans_nor_sorts(log: SqliteLog) -> None:
    query = "SELECT * FROM record WHERE seq > 5 AND stream = 'lab' ORDER BY seq LIMIT 10"

    plan = [row[3] for row in log._connection().execute(f"EXPLAIN QUERY PLAN {query}")]

    assert plan == ["SEARCH record USING INDEX record_by_stream (stream=? AND seq>?)"]


def test_a_file_that_was_deleted_or_replaced_takes_no_more_records(tmp_path: Path) -> None:
    path = tmp_path / "athanor.db"
    log = open_sqlite_log(path)
    append(log, opened())
    for file in tmp_path.glob("athanor.db*"):
        file.unlink()

    with pytest.raises(LogUnavailable, match="it was there and is gone"):
        log.last_seq()
    path.write_bytes(b"")
    with pytest.raises(LogUnavailable, match="another file is in its place"):
        append(log, opened())
