"""What of a SQLite log is checked beside its records; nothing is repaired here.

The chain covers every record. Here is the rest of what can be read in the file: its schema, the
structure that SQLite itself checks, the projections, which are made anew and compared, and the
rows beside the log, which carry checksums.
"""

from collections.abc import Iterator
from typing import Final

import apsw

from orchestrator.log.chain import record_from_stored
from orchestrator.log.memory_log import MemoryRows
from orchestrator.log.row_digest import row_digest
from orchestrator.log.sql_rows import SqlRows, select_stored
from orchestrator.log.sql_schema import schema_of, schema_wanted
from orchestrator.log.tables import TABLES

__all__ = ["damage_beside_records"]

_PAGE: Final = 1000
_DIGESTED: Final = {
    "heartbeat": "name, pid, host, real_time",
    "telemetry": "instrument, time, name, value",
    "snapshot": "stream, seq, hash, form, body",
    "act": "key, actor, request, seq, time",
}


def damage_beside_records(connection: apsw.Connection) -> str:
    """Return the first thing that is not what it was; empty if there is none.

    Args:
        connection: In a transaction, to a log whose records are whole.
    """
    return next(_damages(connection), "")


def _damages(connection: apsw.Connection) -> Iterator[str]:
    if schema_of(connection) != schema_wanted():
        yield "the tables, indices or triggers are not those that a log has"
    for text in connection.execute("PRAGMA integrity_check(1)"):
        if text[0] != "ok":
            yield f"SQLite finds: {text[0]}"
    for table, columns in _DIGESTED.items():
        query = f"SELECT rowid, digest, {columns} FROM {table} WHERE digest IS NOT NULL"
        for rowid, digest, *row in connection.execute(query):
            if row_digest(row) != digest:
                yield f"row {rowid} of table {table} does not fit its checksum"
    yield from _wrong_projections(connection)


def _wrong_projections(connection: apsw.Connection) -> Iterator[str]:
    """Make the projections anew from the records and compare."""
    wanted = MemoryRows()
    last = 0
    while page := select_stored(connection, after_seq=last, stream=None, limit=_PAGE):
        for stored in page:
            if isinstance(stored, Exception):
                raise stored
            wanted.apply(record_from_stored(stored))
            last = stored.seq
    found = SqlRows(connection)
    for table in TABLES:
        if found.matching(table, {}) != wanted.matching(table, {}):
            yield f"table {table} does not say what the records say; it can be rebuilt from them"
