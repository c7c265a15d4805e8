"""A station's journal in a SQLite file of its own: each write is on the disk when it returns.

One process writes it, the station that holds the rig's lines. Nothing is ever removed: an order
that is heard of again, however late, is answered with what became of it and not carried out.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from orchestrator.errors import LogCorrupt, LogError, LogTooNew
from orchestrator.log.sql_schema import refuse_unsound_sqlite
from orchestrator.log.station_journal import JournalEntry, OrderStage
from orchestrator.log.transactions import all_or_nothing

__all__ = ["SqliteStationJournal"]

_APPLICATION_ID: Final = int.from_bytes(b"Athj")
"""Stands in the header of every station's journal: SQLite's ``application_id``."""
_LAYOUT: Final = 1
_BUSY_MS: Final = 5_000

_DDL: Final = """
CREATE TABLE entry (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    order_json TEXT NOT NULL,
    instrument TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage IN ('accepted', 'acting', 'ended')),
    notes TEXT NOT NULL,
    outcome_json TEXT NOT NULL,
    digest INTEGER NOT NULL
) STRICT;
CREATE INDEX entry_open ON entry (number) WHERE stage != 'ended';
CREATE TABLE epoch (campaign_id TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT;
CREATE TABLE latch (one INTEGER PRIMARY KEY CHECK (one = 1), reason TEXT NOT NULL) STRICT;
"""
_COLUMNS: Final = "key, order_json, instrument, stage, notes, outcome_json, digest"


class SqliteStationJournal:
    """The journal of one station.

    Args:
        path: Where the file is or will be; its folder exists.

    Raises:
        LogError: It cannot be opened, or it is another program's file.
        LogTooNew: A later Athanor laid it out.
        LogCorrupt: It is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: apsw.Connection | None = None
        with self._errors_named():
            refuse_unsound_sqlite(apsw.sqlite_lib_version())
            connection = apsw.Connection(str(path))
            try:
                self._prepare(connection)
            except (apsw.Error, LogError):
                connection.close()
                raise
            self._connection = connection

    def entry(self, key: str) -> JournalEntry | None:
        """Return what is known of an order, or None if it was never heard of.

        Raises:
            LogError: The file cannot be read.
            LogCorrupt: The entry is not what it was.
        """
        with self._open() as connection:
            rows = list(connection.execute(f"SELECT {_COLUMNS} FROM entry WHERE key = ?", (key,)))
        return self._entry_from(rows[0]) if rows else None

    def open_entries(self) -> Sequence[JournalEntry]:
        """Return every order that has no outcome, oldest first.

        Raises:
            LogError: The file cannot be read.
            LogCorrupt: An entry is not what it was.
        """
        query = f"SELECT {_COLUMNS} FROM entry WHERE stage != 'ended' ORDER BY number"
        with self._open() as connection:
            return [self._entry_from(row) for row in connection.execute(query)]

    def accept(self, key: str, order_json: str, instrument: str) -> None:
        """Keep an order before anything is done about it.

        Raises:
            LogError: It could not be kept, or it was heard of before.
        """
        entry = JournalEntry(key, order_json, instrument, OrderStage.ACCEPTED)
        with self._open() as connection:
            connection.execute(
                f"INSERT INTO entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", _row_from(entry)
            )

    def note_act(self, key: str, note: str) -> None:
        """Keep that matter may be touched from now on.

        Raises:
            LogError: It could not be kept, or the order was never accepted or has ended.
        """
        known = self.entry(key)
        if known is None or known.stage is OrderStage.ENDED:
            raise LogError(f"{self._path}: {key} cannot act: it was not accepted, or has ended")
        notes = (*known.notes, note)
        self._replace(
            JournalEntry(key, known.order_json, known.instrument, OrderStage.ACTING, notes)
        )

    def end(self, key: str, outcome_json: str) -> None:
        """Keep an order's outcome; a later one replaces an earlier one.

        Raises:
            LogError: It could not be kept.
        """
        known = self.entry(key) or JournalEntry(key, "", "", OrderStage.ENDED)
        self._replace(
            JournalEntry(
                key,
                known.order_json,
                known.instrument,
                OrderStage.ENDED,
                known.notes,
                outcome_json,
            )
        )

    def epoch(self, campaign_id: str) -> int:
        """Return the highest epoch that was seen of a campaign's engines, 0 for none.

        Raises:
            LogError: The file cannot be read.
        """
        query = "SELECT epoch FROM epoch WHERE campaign_id = ?"
        with self._open() as connection:
            found = connection.execute(query, (campaign_id,)).get
        return found if isinstance(found, int) else 0

    def keep_epoch(self, campaign_id: str, epoch: int) -> None:
        """Keep the epoch of an engine; a lower one than is kept changes nothing.

        Raises:
            LogError: It could not be kept.
        """
        with self._open() as connection:
            connection.execute(
                "INSERT INTO epoch (campaign_id, epoch) VALUES (?, ?) ON CONFLICT (campaign_id)"
                " DO UPDATE SET epoch = excluded.epoch WHERE excluded.epoch > epoch.epoch",
                (campaign_id, epoch),
            )

    def latch(self) -> str:
        """Return why the stop latch is set; empty when it is not.

        Raises:
            LogError: The file cannot be read.
        """
        with self._open() as connection:
            found = connection.execute("SELECT reason FROM latch").get
        return found if isinstance(found, str) else ""

    def keep_latch(self, reason: str) -> None:
        """Set the stop latch, or clear it with an empty reason.

        Raises:
            LogError: It could not be kept.
        """
        with self._open() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO latch (one, reason) VALUES (1, ?)", (reason,)
            )

    def close(self) -> None:
        """Let go of the file; closing twice does nothing.

        Raises:
            LogError: What was written could not be brought into the file.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            with self._errors_named():
                connection.close()

    def _prepare(self, connection: apsw.Connection) -> None:
        connection.set_busy_timeout(_BUSY_MS)
        application_id = connection.pragma("application_id")
        layout = connection.pragma("user_version")
        n_tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
        is_empty = (application_id, layout, n_tables) == (0, 0, 0)
        if not is_empty and application_id != _APPLICATION_ID:
            raise LogError(f"{self._path}: not a journal of a station")
        if not is_empty and isinstance(layout, int) and layout > _LAYOUT:
            raise LogTooNew(f"{self._path}: got the layout {layout}, this Athanor reads {_LAYOUT}")
        if connection.pragma("journal_mode", "wal") != "wal":
            raise LogError(f"{self._path}: its file system cannot hold a write-ahead log")
        connection.pragma("synchronous", "full")
        connection.pragma("fullfsync", True)
        connection.pragma("trusted_schema", False)
        if is_empty:
            with all_or_nothing(connection):
                connection.execute(_DDL)
                connection.pragma("application_id", _APPLICATION_ID)
                connection.pragma("user_version", _LAYOUT)
        if connection.pragma("quick_check") != "ok":
            raise LogCorrupt(f"{self._path}: the file is damaged")

    def _replace(self, entry: JournalEntry) -> None:
        with self._open() as connection:
            connection.execute(
                f"INSERT INTO entry ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key)"
                " DO UPDATE SET stage = excluded.stage, notes = excluded.notes,"
                " outcome_json = excluded.outcome_json, digest = excluded.digest",
                _row_from(entry),
            )

    def _entry_from(self, row: tuple[object, ...]) -> JournalEntry:
        *fields, digest = row
        texts = [str(field) for field in fields]
        if digest != _digest_of(texts):
            raise LogCorrupt(f"{self._path}: the entry of {texts[0]} is not what it was")
        key, order_json, instrument, stage, notes, outcome_json = texts
        noted = tuple(json.loads(notes))
        return JournalEntry(key, order_json, instrument, OrderStage(stage), noted, outcome_json)

    @contextmanager
    def _open(self) -> Iterator[apsw.Connection]:
        if self._connection is None:
            raise LogError(f"{self._path}: the journal is closed")
        with self._errors_named():
            yield self._connection

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise LogCorrupt(f"{self._path}: {error}") from error
        except (apsw.Error, OSError) as error:
            raise LogError(f"{self._path}: {error}") from error


def _row_from(entry: JournalEntry) -> tuple[str | int, ...]:
    texts = [
        entry.key,
        entry.order_json,
        entry.instrument,
        entry.stage.value,
        json.dumps(entry.notes),
        entry.outcome_json,
    ]
    return (*texts, _digest_of(texts))


def _digest_of(texts: Sequence[str]) -> int:
    return zlib.crc32(json.dumps(texts).encode())
