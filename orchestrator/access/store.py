"""The file of accounts beside the log: one SQLite file, readable for its owner alone."""

import logging
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import apsw

from orchestrator.errors import LogCorrupt, LogError, LogTooNew, LogUnavailable
from orchestrator.log.transactions import NOT_NOW, all_or_nothing

__all__ = ["AccessStore", "access_path", "text_of", "time_of"]

logger = logging.getLogger(__name__)

APPLICATION_ID: Final = int.from_bytes(b"AthA")
LAYOUT: Final = 3
_MODE: Final = 0o600
_BUSY_MS: Final = 10_000
_DDL: Final = """
CREATE TABLE account (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    password TEXT,
    is_disabled INTEGER NOT NULL DEFAULT 0,
    made_time TEXT NOT NULL,
    made_by TEXT NOT NULL
) STRICT;
CREATE TABLE token (
    token_id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (name),
    label TEXT NOT NULL,
    scopes TEXT NOT NULL,
    digest TEXT NOT NULL,
    made_time TEXT NOT NULL,
    made_by TEXT NOT NULL,
    expires_time TEXT,
    last_used_time TEXT,
    is_revoked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE session (
    digest TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (name),
    csrf TEXT NOT NULL,
    made_time TEXT NOT NULL,
    seen_time TEXT NOT NULL
) STRICT;
CREATE TABLE webhook (
    hook_id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    topics TEXT NOT NULL,
    secret TEXT NOT NULL,
    made_by TEXT NOT NULL,
    is_off INTEGER NOT NULL DEFAULT 0,
    told_seq INTEGER NOT NULL,
    n_failed INTEGER NOT NULL DEFAULT 0,
    next_time TEXT,
    last_error TEXT NOT NULL DEFAULT ''
) STRICT;
"""
_SECOND: Final = """
ALTER TABLE webhook ADD COLUMN sending_seq INTEGER;
ALTER TABLE webhook ADD COLUMN failed_since TEXT;
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until_time TEXT NOT NULL
) STRICT;
CREATE TABLE kept_request (
    key TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    request TEXT NOT NULL,
    subject TEXT NOT NULL,
    done_time TEXT NOT NULL
) STRICT;
"""
_THIRD: Final = """
CREATE TABLE change (
    change_id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    by TEXT NOT NULL,
    what TEXT NOT NULL,
    about TEXT NOT NULL,
    is_told INTEGER NOT NULL DEFAULT 0
) STRICT;
"""
_STEPS: Final = (_DDL, _SECOND, _THIRD)
"""What makes each layout out of the one before."""


def access_path(database: Path) -> Path:
    """Return where the accounts of a log are kept.

    Example:
        >>> access_path(Path("lab.db")).name
        'lab.db.access'
    """
    return database.with_name(f"{database.name}.access")


def text_of(time: datetime) -> str:
    """Return a time as it is kept.

    Example:
        >>> text_of(datetime(2026, 1, 2, tzinfo=UTC))
        '2026-01-02T00:00:00.000000+00:00'
    """
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def time_of(text: str | None) -> datetime | None:
    """Return a time that was kept."""
    return None if text is None else datetime.fromisoformat(text)


class AccessStore:
    """One file of accounts; several processes and threads may use it.

    Args:
        path: Where it is; made if it is not there.

    Raises:
        LogError: It cannot be opened, or is another program's file.
        LogTooNew: A later Athanor laid it out.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._close_to_others()
        with self._write() as connection:
            found = connection.pragma("application_id"), connection.pragma("user_version")
            if found != (0, 0) and found[0] != APPLICATION_ID:
                raise LogError(f"{path}: not a file of accounts of Athanor")
            if found[1] > LAYOUT:
                raise LogTooNew(f"{path}: got the layout {found[1]}, this Athanor reads {LAYOUT}")
            if found[1] < LAYOUT:
                for step in _STEPS[found[1] :]:
                    connection.execute(step)
                connection.pragma("application_id", APPLICATION_ID)
                connection.pragma("user_version", LAYOUT)

    def _close_to_others(self) -> None:
        """Make the file if it is not there, and let nobody else read it.

        Raises:
            LogError: It cannot be made, or belongs to somebody else and is open.
        """
        with self._errors_named():
            self.path.touch(mode=_MODE)
            mode = stat.S_IMODE(self.path.stat().st_mode)
            if mode & ~_MODE:
                logger.warning("%s was open to others (mode %o); now it is closed", self.path, mode)
                self.path.chmod(_MODE)

    @contextmanager
    def _read(self) -> Iterator[apsw.Connection]:
        with self._errors_named():
            connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READWRITE)
            try:
                connection.set_busy_timeout(_BUSY_MS)
                connection.pragma("synchronous", "full")
                connection.pragma("foreign_keys", True)
                yield connection
            finally:
                connection.close()

    @contextmanager
    def _write(self) -> Iterator[apsw.Connection]:
        with self._read() as connection, all_or_nothing(connection):
            yield connection

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise LogCorrupt(f"{self.path}: {error}") from error
        except NOT_NOW as error:
            raise LogUnavailable(f"{self.path}: {error}") from error
        except (apsw.Error, OSError) as error:
            raise LogError(f"{self.path}: {error}") from error
