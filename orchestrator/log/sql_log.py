"""The log in one SQLite file.

A writer takes SQLite's write lock before it reads, so that seq and versions have no gaps and stand
in the order of commits. A generator never holds a transaction open: it reads in pages.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from orchestrator.core.events import Event
from orchestrator.errors import LogCorrupt, VersionConflict
from orchestrator.log import audit
from orchestrator.log.chain import StoredRecord, next_records, record_from_stored
from orchestrator.log.event_log import Record, Verification
from orchestrator.log.kept_acts import ActKey
from orchestrator.log.sql_acts import insert_act, refuse_repeated
from orchestrator.log.sql_audit import damage_beside_records
from orchestrator.log.sql_renewal import fill_projections
from orchestrator.log.sql_rows import (
    SqlRows,
    insert_stored,
    last_stored,
    select_stored,
    stream_version,
)
from orchestrator.log.sql_store import BUSY_S, SqlStore
from orchestrator.log.tables import table_for
from orchestrator.log.transactions import at_one_moment
from orchestrator.log.wal_check import unreadable_commits

__all__ = ["SqliteLog", "open_sqlite_log"]

_PAGE: Final = 1000
"""How many records are read at once."""


def open_sqlite_log(
    path: str | Path, *, must_exist: bool = False, busy_s: float = BUSY_S
) -> "SqliteLog":
    """Open a log, and make it if there is none.

    Args:
        path: Where the file is.
        must_exist: Refuse instead of making one.
        busy_s: How long a writer waits for others, in seconds.

    Raises:
        LogError: It cannot be opened, is another program's file, or is not there and must be.
        LogTooNew: A later Athanor laid it out.
        LogCorrupt: The file is damaged.
    """
    log = SqliteLog(Path(path), busy_s)
    log.open(must_exist=must_exist)
    return log


class SqliteLog(SqlStore):
    """An `EventLog` with `SideTables` in one SQLite file.

    Args:
        path: Where the file is; it must be a log unless `open` makes it one.
    """

    def append(
        self,
        stream: str,
        events: Sequence[Event],
        *,
        time: datetime,
        actor: str,
        is_simulated: bool,
        expected: Mapping[str, int] | None = None,
        act: ActKey | None = None,
    ) -> tuple[Record, ...]:
        """Append events to one stream, all or none, on the disk on return."""
        with self._write() as connection:
            refuse_repeated(connection, act)
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
            insert_act(connection, act, time)
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
        with self._read() as connection:
            found: int | None = connection.execute("SELECT max(seq) FROM record").get
        return found or 0

    def version(self, stream: str) -> int:
        """Return the number of records of a stream."""
        with self._read() as connection:
            return stream_version(connection, stream)

    def verify(self, on_progress: Callable[[int], None] | None = None) -> Verification:
        """Recompute the hash of every record and compare the chain, then check all the rest.

        Records that a campaign's row still names and that are not there any more are missed too.

        Args:
            on_progress: Told now and then how many records were checked.
        """
        with self._read() as connection:
            newest: int | None = connection.execute("SELECT max(last_seq) FROM campaign").get
        found = audit.verify(self, on_progress)
        if found.first_bad_seq is not None:
            return found
        if (newest or 0) > found.n_records:
            reason = f"the newest records are missing: there were {newest}"
            return replace(found, first_bad_seq=found.n_records + 1, reason=reason)
        return replace(found, damage=self._damage())

    def _damage(self) -> str:
        damage = ""
        try:
            with self._read() as connection:
                with at_one_moment(connection):
                    damage = damage_beside_records(connection)
                n_lost = 0 if damage else unreadable_commits(self._path, connection)
            if n_lost:
                damage = (
                    "a commit in the write-ahead log cannot be read; it may be the newest append"
                )
        except LogCorrupt as error:
            damage = str(error)
        return damage

    def projection(
        self, table: str, *, where: Mapping[str, object] | None = None
    ) -> list[dict[str, object]]:
        """Return rows of a projection table, in the order in which they first came."""
        shape = table_for(table, where or {})
        with self._read() as connection:
            rows = SqlRows(connection).matching(table, where or {})
        try:
            return [shape.shown(row) for row in rows]
        except ValueError as error:
            raise LogCorrupt(f"table {table}: {error}; rebuild it from the records") from error

    def rebuild_projections(self) -> None:
        """Empty the projection tables and fill them again from the records."""
        with self._write() as connection:
            fill_projections(connection)

    def _pages(
        self, after_seq: int, stream: str | None, limit: int | None
    ) -> Iterator[StoredRecord]:
        """Yield stored records, a page at a time, so that no transaction stays open."""
        last, left = after_seq, limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            with self._read() as connection:
                page = select_stored(connection, after_seq=last, stream=stream, limit=size)
            for stored in page:
                if isinstance(stored, LogCorrupt):
                    raise stored
                last = stored.seq
                yield stored
            if len(page) < size:
                return
            left = None if left is None else left - size
