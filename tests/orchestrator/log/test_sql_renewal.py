"""A log of an earlier layout is brought to the layout of today, and nothing in it changes."""

from pathlib import Path

import apsw
import pytest

from orchestrator.errors import LogCorrupt
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.log.sql_rows import insert_stored
from orchestrator.log.sql_schema import (
    APPLICATION_ID,
    LAYOUT,
    PROJECTION_DDL,
    RECORD_DDL,
    SECOND_DDL,
)
from orchestrator.log.tables import TABLES
from tests.support.recorded_events import STREAM, append, events_of_every_kind, life


@pytest.fixture(params=[1, 2])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a file of an earlier layout with records, one sign of life and empty projections."""
    whole = open_sqlite_log(tmp_path / "today.db")
    append(whole, *life(), stream=STREAM)
    append(whole, *events_of_every_kind())
    path = tmp_path / "earlier.db"
    connection = apsw.Connection(str(path))
    connection.execute(RECORD_DDL + (SECOND_DDL if request.param == 2 else "") + PROJECTION_DDL)
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("user_version", request.param)
    for stored in whole.stored():
        insert_stored(connection, stored)
    connection.execute(
        "INSERT INTO heartbeat (name, pid, host, real_time)"
        " VALUES ('engine/a', 1, 'pc', '2026-01-01T00:00:00.000000+00:00')"
    )
    connection.close()
    whole.close()
    return path


def test_a_log_of_an_earlier_layout_becomes_one_of_today(path: Path) -> None:
    log = open_sqlite_log(path, must_exist=True)
    today = open_sqlite_log(path.with_name("today.db"))

    assert log._connection().pragma("user_version") == LAYOUT
    assert list(log.stored()) == list(today.stored())
    assert [log.projection(name) for name in TABLES] == [today.projection(name) for name in TABLES]
    assert [beat.name for beat in log.heartbeats()] == ["engine/a"]
    assert log.verify().is_whole
    log.close()
    today.close()


def test_a_damaged_log_of_an_earlier_layout_stays_as_it_is(path: Path) -> None:
    connection = apsw.Connection(str(path))
    before = connection.pragma("user_version")
    connection.execute("DROP TRIGGER record_stays; UPDATE record SET actor = 'x' WHERE seq = 2")
    connection.close()

    with pytest.raises(LogCorrupt, match="record 2"):
        open_sqlite_log(path, must_exist=True)

    connection = apsw.Connection(str(path))
    assert connection.pragma("user_version") == before
    connection.close()
