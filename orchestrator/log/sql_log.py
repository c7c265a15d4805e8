"""The log in one SQLite file, through `apsw` alone: write-ahead log, every commit on the disk.

Several processes and threads may append to one file. Each thread has its own connection; a writer
takes SQLite's write lock before it reads, so that seq and versions have no gaps and stand in the
order of commits. A generator never holds a transaction open: it reads in pages.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock, local
from typing import Final
from weakref import WeakSet

import apsw

from orchestrator.core.events import Event
from orchestrator.errors import LogCorrupt, LogError, VersionConflict
from orchestrator.log import audit
from orchestrator.log.chain import (
    StoredRecord,
    next_records,
    record_from_stored,
    text_from_time,
    time_from_text,
)
from orchestrator.log.event_log import Record, Verification
from orchestrator.log.side_tables import Heartbeat, TelemetrySample
from orchestrator.log.sql_rows import (
    SqlRows,
    insert_stored,
    last_stored,
    select_stored,
    stream_version,
)
from orchestrator.log.sql_schema import lay_out, refuse_unsound_sqlite, require_log
from orchestrator.log.tables import table_for

__all__ = ["SqliteLog", "open_sqlite_log"]

_BUSY_MS: Final = 30_000
"""How long a writer waits for the others."""

_PAGE: Final = 1000
"""How many records are read at once."""


def open_sqlite_log(path: str | Path, *, must_exist: bool = False) -> "SqliteLog":
    """Open a log, and make it if there is none.

    Args:
        path: Where the file is.
        must_exist: Refuse instead of making one.

    Raises:
        LogError: It cannot be opened, is another program's file, or is not there and must be.
        LogTooNew: A later Athanor laid it out.
        LogCorrupt: The file is damaged.
    """
    log = SqliteLog(Path(path))
    log.open(must_exist=must_exist)
    return log


class SqliteLog:
    """An `EventLog` with `SideTables` in one SQLite file.

    Args:
        path: Where the file is; nothing is opened before it is needed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = local()
        self._connections: WeakSet[apsw.Connection] = WeakSet()
        self._lock = Lock()
        self._is_closed = False

    def open(self, *, must_exist: bool = False) -> None:
        """Open the file for this thread, and make the log if there is none.

        Raises:
            LogError: As `open_sqlite_log` says.
        """
        refuse_unsound_sqlite(apsw.sqlite_lib_version())
        with self._errors_named():
            self._connect(may_create=not must_exist)

    def append(
        self,
        stream: str,
        events: Sequence[Event],
        *,
        time: datetime,
        actor: str,
        is_simulated: bool,
        expected: Mapping[str, int] | None = None,
    ) -> tuple[Record, ...]:
        """Append events to one stream, all or none, on the disk on return."""
        with self._write() as connection:
            for name, version in (expected or {}).items():
                found = stream_version(connection, name)
                if found != version:
                    raise VersionConflict(name, expected=version, found=found)
            stored = next_records(
                stream,
                events,
                time=time,
                actor=actor,
                is_simulated=is_simulated,
                last=last_stored(connection),
                version=stream_version(connection, stream),
            )
            rows = SqlRows(connection)
            records = tuple(record_from_stored(record) for record in stored)
            for one, record in zip(stored, records, strict=True):
                insert_stored(connection, one)
                rows.apply(record)
        return records

    def read(
        self, *, after_seq: int = 0, stream: str | None = None, limit: int | None = None
    ) -> Iterator[Record]:
        """Yield records in order of seq."""
        for stored in self._pages(after_seq, stream, limit):
            yield record_from_stored(stored)

    def stored(self) -> Iterator[StoredRecord]:
        """Yield all records in order of seq, unread."""
        yield from self._pages(0, None, None)

    def last_seq(self) -> int:
        """Return the seq of the last record, 0 for an empty log."""
        with self._errors_named():
            found = self._connection().execute("SELECT max(seq) FROM record").get
        return found or 0

    def version(self, stream: str) -> int:
        """Return the number of records of a stream."""
        with self._errors_named():
            return stream_version(self._connection(), stream)

    def verify(self) -> Verification:
        """Recompute the hash of every record and compare the chain."""
        return audit.verify(self)

    def projection(
        self, table: str, *, where: Mapping[str, object] | None = None
    ) -> list[dict[str, object]]:
        """Return rows of a projection table, in the order in which they first came."""
        shape = table_for(table, where or {})
        with self._errors_named():
            rows = SqlRows(self._connection()).matching(table, where or {})
        return [shape.shown(row) for row in rows]

    def rebuild_projections(self) -> None:
        """Empty the projection tables and fill them again from the records."""
        with self._write() as connection:
            rows = SqlRows(connection)
            rows.empty()
            for stored in self._pages(0, None, None):
                rows.apply(record_from_stored(stored))

    def beat(self, name: str, *, pid: int, host: str, time: datetime) -> None:
        """Record a sign of life; only the last one of each name is kept."""
        with self._write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO heartbeat (name, pid, host, real_time) VALUES (?, ?, ?, ?)",
                (name, pid, host, text_from_time(time)),
            )

    def heartbeats(self) -> tuple[Heartbeat, ...]:
        """Return the last sign of life of everyone, by name."""
        with self._errors_named():
            rows = self._connection().execute(
                "SELECT name, pid, host, real_time FROM heartbeat ORDER BY name"
            )
            return tuple(
                Heartbeat(name, pid, host, time_from_text(time)) for name, pid, host, time in rows
            )

    def append_telemetry(self, samples: Sequence[TelemetrySample]) -> None:
        """Keep some samples, all or none."""
        with self._write() as connection:
            connection.executemany(
                "INSERT INTO telemetry (instrument, time, name, value) VALUES (?, ?, ?, ?)",
                [(s.instrument, text_from_time(s.time), s.name, s.value) for s in samples],
            )

    def telemetry(
        self, instrument: str, *, since: datetime, until: datetime
    ) -> tuple[TelemetrySample, ...]:
        """Return an instrument's samples in order of time, both ends included."""
        with self._errors_named():
            rows = self._connection().execute(
                "SELECT time, name, value FROM telemetry"
                " WHERE instrument = ? AND time BETWEEN ? AND ? ORDER BY time, rowid",
                (instrument, text_from_time(since), text_from_time(until)),
            )
            return tuple(
                TelemetrySample(time_from_text(time), instrument, name, value)
                for time, name, value in rows
            )

    def close(self) -> None:
        """Close the connections of all threads; closing twice does nothing."""
        with self._lock:
            self._is_closed = True
            connections = list(self._connections)
        with self._errors_named():
            for connection in connections:
                connection.close()

    def _pages(
        self, after_seq: int, stream: str | None, limit: int | None
    ) -> Iterator[StoredRecord]:
        """Yield stored records, a page at a time, so that no transaction stays open."""
        last, left = after_seq, limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            with self._errors_named():
                page = select_stored(self._connection(), after_seq=last, stream=stream, limit=size)
            for stored in page:
                if isinstance(stored, LogCorrupt):
                    raise stored
                last = stored.seq
                yield stored
            if len(page) < size:
                return
            left = None if left is None else left - size

    @contextmanager
    def _write(self) -> Iterator[apsw.Connection]:
        """Hold SQLite's write lock; commit at the end, roll back at any error."""
        with self._errors_named():
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise LogCorrupt(f"{self._path}: {error}") from error
        except (apsw.Error, OSError) as error:
            raise LogError(f"{self._path}: {error}") from error

    def _connection(self) -> apsw.Connection:
        if self._is_closed:
            raise LogError(f"{self._path}: the log is closed")
        found: apsw.Connection | None = getattr(self._threads, "connection", None)
        return found or self._connect(may_create=False)

    def _connect(self, *, may_create: bool) -> apsw.Connection:
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if may_create else 0)
        connection = apsw.Connection(str(self._path), flags=flags)
        try:
            self._prepare(connection, may_create=may_create)
        except (apsw.Error, LogError):
            connection.close()
            raise
        with self._lock:
            self._connections.add(connection)
        self._threads.connection = connection
        return connection

    def _prepare(self, connection: apsw.Connection, *, may_create: bool) -> None:
        connection.set_busy_timeout(_BUSY_MS)
        try:
            if may_create:
                lay_out(connection)
            require_log(connection)
        except LogError as error:
            raise type(error)(f"{self._path}: {error}") from error
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.pragma("fullfsync", True)
        connection.pragma("trusted_schema", False)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
