"""Rows of records and of projections in SQLite; transactions are the caller's business."""

from collections.abc import Mapping
from typing import Final

import apsw

from orchestrator.errors import LogCorrupt
from orchestrator.log.chain import StoredRecord
from orchestrator.log.event_log import Record
from orchestrator.log.projections import project
from orchestrator.log.tables import TABLES, Cell, Row

__all__ = ["SqlRows", "insert_stored", "last_stored", "select_stored", "stream_version"]

_COLUMNS: Final = """seq, CAST(stream AS BLOB), version, CAST(time AS BLOB), CAST(actor AS BLOB),
    is_simulated, CAST(payload AS BLOB), CAST(previous_hash AS BLOB), CAST(hash AS BLOB)"""
"""As bytes: a damaged text must not stop the reader before it knows which record is damaged."""


def select_stored(
    connection: apsw.Connection, *, after_seq: int, stream: str | None, limit: int
) -> list[StoredRecord | LogCorrupt]:
    """Return records in order of seq; one that cannot be decoded stands as its error.

    Args:
        connection: To the log.
        after_seq: Only records after this one.
        stream: Only this stream.
        limit: At most so many.
    """
    condition = "" if stream is None else "AND stream = ?"
    names = () if stream is None else (stream,)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM record WHERE seq > ? {condition} ORDER BY seq LIMIT ?",
        (after_seq, *names, limit),
    )
    return [_stored_from_row(*row) for row in rows]


def last_stored(connection: apsw.Connection) -> StoredRecord | None:
    """Return the last record of the log.

    Raises:
        LogCorrupt: It cannot be decoded.
    """
    row = connection.execute(f"SELECT {_COLUMNS} FROM record ORDER BY seq DESC LIMIT 1").fetchone()
    if row is None:
        return None
    found = _stored_from_row(*row)
    if isinstance(found, LogCorrupt):
        raise found
    return found


def stream_version(connection: apsw.Connection, stream: str) -> int:
    """Return the number of records of a stream."""
    query = "SELECT max(version) FROM record WHERE stream = ?"
    version: int | None = connection.execute(query, (stream,)).get
    return version or 0


def insert_stored(connection: apsw.Connection, stored: StoredRecord) -> None:
    """Put one record at the end of the log."""
    connection.execute(
        "INSERT INTO record (seq, stream, version, time, actor, is_simulated, payload,"
        " previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            stored.seq,
            stored.stream,
            stored.version,
            stored.time,
            stored.actor,
            int(stored.is_simulated),
            stored.payload.decode(),
            stored.previous_hash,
            stored.hash,
        ),
    )


def _stored_from_row(  # noqa: PLR0913, PLR0917 - the columns of one row, in order
    seq: int,
    stream: bytes,
    version: int,
    time: bytes,
    actor: bytes,
    is_simulated: int,
    payload: bytes,
    previous_hash: bytes,
    hash_: bytes,
) -> StoredRecord | LogCorrupt:
    texts = (stream, time, actor, payload, previous_hash, hash_)
    if not all(isinstance(text, bytes) for text in texts) or not isinstance(version, int):
        return LogCorrupt(f"record {seq}: a column is empty or of another type")
    if is_simulated not in (0, 1):
        return LogCorrupt(f"record {seq}: got is_simulated {is_simulated}, expected 0 or 1")
    try:
        return StoredRecord(
            seq=seq,
            stream=stream.decode(),
            version=version,
            time=time.decode(),
            actor=actor.decode(),
            is_simulated=bool(is_simulated),
            payload=payload,
            previous_hash=previous_hash.decode(),
            hash=hash_.decode(),
        )
    except UnicodeDecodeError as error:
        return LogCorrupt(f"record {seq}: {error}")


class SqlRows:
    """The projection tables behind one connection.

    Args:
        connection: With an open write transaction if anything is applied.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def row(self, table: str, key: tuple[Cell, ...]) -> Row | None:
        """Return one row, or None."""
        found = self.matching(table, dict(zip(TABLES[table].key, key, strict=True)))
        return found[0] if found else None

    def matching(self, table: str, where: Mapping[str, object]) -> list[Row]:
        """Return the rows whose columns have these values, in the order in which they came."""
        columns = TABLES[table].columns
        conditions = " AND ".join(f'"{column}" IS ?' for column in where) or "1"
        rows = self._connection.execute(
            f"SELECT {_quoted(columns)} FROM {table} WHERE {conditions} ORDER BY rowid",
            tuple(where.values()),
        )
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def apply(self, record: Record) -> None:
        """Change the tables as a record wants it."""
        for change in project(record, self):
            table = TABLES[change.table]
            changed = [column for column in table.columns if column not in table.key]
            updates = ", ".join(f'"{column}" = excluded."{column}"' for column in changed)
            self._connection.execute(
                f"INSERT INTO {change.table} ({_quoted(table.columns)})"
                f" VALUES ({', '.join('?' * len(table.columns))})"
                f" ON CONFLICT ({_quoted(table.key)}) DO UPDATE SET {updates}",
                tuple(change.row[column] for column in table.columns),
            )

    def empty(self) -> None:
        """Remove all rows of all projection tables."""
        for table in TABLES:
            self._connection.execute(f"DELETE FROM {table}")


def _quoted(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
