"""One SQLite file, through `apsw` alone: connections, transactions, and the two side tables.

Write-ahead log; a commit is on the disk when it returns. Several processes and threads may use one
file; each thread has its own connection.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock, local
from typing import Final
from weakref import WeakSet

import apsw

from orchestrator.errors import LogCorrupt, LogError, LogUnavailable
from orchestrator.log.chain import text_from_time, time_from_text
from orchestrator.log.kept_acts import ActKey, KeptAct
from orchestrator.log.row_digest import row_digest
from orchestrator.log.side_tables import Heartbeat, TelemetrySample
from orchestrator.log.snapshots import Snapshot
from orchestrator.log.sql_acts import insert_act, refuse_repeated, select_act
from orchestrator.log.sql_renewal import renew_layout
from orchestrator.log.sql_schema import lay_out, refuse_unsound_sqlite, require_log
from orchestrator.log.transactions import NOT_NOW, all_or_nothing
from orchestrator.log.wal_check import unreadable_commits

__all__ = ["SqlStore"]

logger = logging.getLogger(__name__)

BUSY_S: Final = 30.0
"""How long a writer waits for the others unless told otherwise, in seconds."""

_SWITCHES: Final = 100
"""How often the switch to a write-ahead log is tried while others open a fresh file, too."""


class SqlStore:
    """A file that holds a log, with its `SideTables`.

    Args:
        path: Where the file is; nothing is opened before it is needed.
        busy_s: How long a writer waits for others, in seconds.
    """

    def __init__(self, path: Path, busy_s: float = BUSY_S) -> None:
        self._path = path
        self._busy_ms = int(1000 * busy_s)
        self._threads = local()
        self._connections: WeakSet[apsw.Connection] = WeakSet()
        self._lock = Lock()
        self._is_closed = False
        self._file: tuple[int, int] | None = None
        """Device and number of the file that was opened."""

    def open(self, *, must_exist: bool = False) -> None:
        """Open the file for this thread, and make the log if there is none.

        Raises:
            LogError: As `open_sqlite_log` says.
        """
        with self._errors_named():
            self._connect(may_create=not must_exist)

    def close(self) -> None:
        """Close the connections of all threads; closing twice does nothing."""
        with self._lock:
            self._is_closed = True
            connections = list(self._connections)
        with self._errors_named():
            for connection in connections:
                connection.close()

    def beat(self, name: str, *, pid: int, host: str, time: datetime) -> None:
        """Record a sign of life; only the last one of each name is kept."""
        with self._write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO heartbeat (name, pid, host, real_time, digest)"
                " VALUES (?, ?, ?, ?, ?)",
                _with_digest(name, pid, host, text_from_time(time)),
            )

    def heartbeats(self) -> tuple[Heartbeat, ...]:
        """Return the last sign of life of everyone, by name."""
        with self._read() as connection:
            rows = connection.execute(
                "SELECT name, pid, host, real_time FROM heartbeat ORDER BY name"
            )
            return tuple(
                Heartbeat(name, pid, host, _time_of_row(time)) for name, pid, host, time in rows
            )

    def append_telemetry(self, samples: Sequence[TelemetrySample]) -> None:
        """Keep some samples, all or none."""
        with self._write() as connection:
            connection.executemany(
                "INSERT INTO telemetry (instrument, time, name, value, digest)"
                " VALUES (?, ?, ?, ?, ?)",
                [
                    _with_digest(s.instrument, text_from_time(s.time), s.name, float(s.value))
                    for s in samples
                ],
            )

    def telemetry(
        self, instrument: str, *, since: datetime, until: datetime
    ) -> tuple[TelemetrySample, ...]:
        """Return an instrument's samples in order of time, both ends included."""
        with self._read() as connection:
            rows = connection.execute(
                "SELECT time, name, value FROM telemetry"
                " WHERE instrument = ? AND time BETWEEN ? AND ? ORDER BY time, rowid",
                (instrument, text_from_time(since), text_from_time(until)),
            )
            return tuple(
                TelemetrySample(_time_of_row(time), instrument, name, value)
                for time, name, value in rows
            )

    def snapshot(self, key: str) -> Snapshot | None:
        """Return what is kept under a key, or None; damaged, it is refused."""
        query = "SELECT stream, seq, hash, form, body, digest FROM snapshot WHERE stream = ?"
        with self._read() as connection:
            row = connection.execute(query, (key,)).fetchone()
        if row is None:
            return None
        *values, digest = row
        if row_digest(values) != digest:
            raise LogCorrupt(f"{self._path}: the snapshot of {key} does not fit its checksum")
        return Snapshot(*values)

    def keep_snapshots(self, snapshots: Sequence[Snapshot]) -> None:
        """Keep some, all or none, in place of what their keys had."""
        rows = [_with_digest(s.key, s.seq, s.hash, s.form, s.body) for s in snapshots]
        with self._write() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO snapshot (stream, seq, hash, form, body, digest)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )

    def kept_act(self, key: str) -> KeptAct | None:
        """Return what is kept under a key, or None."""
        with self._read() as connection:
            return select_act(connection, key)

    def keep_act(self, act: ActKey, *, time: datetime) -> None:
        """Keep the key of an act that appends nothing, on the disk on return."""
        with self._write() as connection:
            refuse_repeated(connection, act)
            insert_act(connection, act, time)

    @contextmanager
    def _read(self) -> Iterator[apsw.Connection]:
        """Give this thread's connection; SQLite's errors become ours."""
        with self._errors_named():
            yield self._connection()

    @contextmanager
    def _write(self) -> Iterator[apsw.Connection]:
        """Hold SQLite's write lock; commit at the end, roll back at any error."""
        with self._read() as connection, all_or_nothing(connection):
            yield connection

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError) as error:
            raise LogCorrupt(f"{self._path}: {error}") from error
        except NOT_NOW as error:
            raise LogUnavailable(f"{self._path}: {error}") from error
        except apsw.CantOpenError as error:
            kind = LogUnavailable if self._path.is_file() else LogError
            raise kind(f"{self._path}: {error}") from error
        except (apsw.Error, OSError, OverflowError) as error:
            raise LogError(f"{self._path}: {error}") from error

    def _connection(self) -> apsw.Connection:
        if self._is_closed:
            raise LogError(f"{self._path}: the log is closed")
        found: apsw.Connection | None = getattr(self._threads, "connection", None)
        if found is None:
            return self._connect(may_create=False)
        self._refuse_other_file()
        return found

    def _refuse_other_file(self) -> None:
        """Refuse to go on in a file that was deleted or replaced: what is written is lost with it.

        Raises:
            LogUnavailable: The path does not lead to the file that was opened.
        """
        try:
            found = self._path.stat()
        except OSError as error:
            raise LogUnavailable(f"{self._path}: it was there and is gone") from error
        if (found.st_dev, found.st_ino) != self._file:
            raise LogUnavailable(f"{self._path}: another file is in its place")

    def _connect(self, *, may_create: bool) -> apsw.Connection:
        refuse_unsound_sqlite(apsw.sqlite_lib_version())
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if may_create else 0)
        connection = apsw.Connection(str(self._path), flags=flags)
        try:
            self._prepare(connection, may_create=may_create)
        except (apsw.Error, LogError):
            connection.close()
            raise
        with self._lock:
            self._connections.add(connection)
        opened = self._path.stat()
        self._file = self._file or (opened.st_dev, opened.st_ino)
        self._threads.connection = connection
        return connection

    def _prepare(self, connection: apsw.Connection, *, may_create: bool) -> None:
        connection.set_busy_timeout(self._busy_ms)
        try:
            if may_create:
                lay_out(connection)
            require_log(connection)
            self._refuse_lost_commits(connection)
            renew_layout(connection)
        except LogError as error:
            raise type(error)(f"{self._path}: {error}") from error
        if _switched_to_wal(connection) != "wal":
            raise LogError(f"{self._path}: its file system cannot hold a write-ahead log")
        connection.pragma("synchronous", "full")
        connection.pragma("fullfsync", True)
        connection.pragma("trusted_schema", False)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)

    def _refuse_lost_commits(self, connection: apsw.Connection) -> None:
        """Refuse a log whose newest commits are damaged; one alone may have been cut off.

        Raises:
            LogCorrupt: Commits that were on the disk cannot be read.
        """
        if not unreadable_commits(self._path, connection):
            return
        writer = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            writer.set_busy_timeout(self._busy_ms)
            writer.execute("BEGIN IMMEDIATE")  # nobody is in the middle of an append
            n_lost = unreadable_commits(self._path, connection)
        finally:
            writer.close()
        if n_lost > 1:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # else the file would go
            raise LogCorrupt(
                f"the newest {n_lost} commits in {self._path.name}-wal are damaged; restore a "
                "backup, or copy the file without its -wal to go on without all that is in that"
            )
        if n_lost:
            logger.info("%s: the last append was cut off, as by a power cut", self._path)


def _switched_to_wal(connection: apsw.Connection) -> object:
    """Switch to a write-ahead log and return the mode that the file is in.

    SQLite does not wait when several processes switch one fresh file at once; the write lock, for
    which it does wait, puts them in a row.
    """
    for _ in range(_SWITCHES):
        try:
            return connection.pragma("journal_mode", "wal")
        except apsw.BusyError:
            connection.execute("BEGIN IMMEDIATE; COMMIT")
    return connection.pragma("journal_mode", "wal")


def _with_digest(*row: str | int | float | bytes) -> tuple[str | int | float | bytes, ...]:
    return (*row, row_digest(row))


def _time_of_row(text: str) -> datetime:
    try:
        return time_from_text(text)
    except ValueError as error:
        raise LogCorrupt(str(error)) from error
