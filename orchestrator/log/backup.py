"""A copy of a log while it is being written to: complete, checked, and never over another file.

SQLite's own backup reads one snapshot of a write-ahead log: nobody who appends waits for it.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from orchestrator.errors import LogError, LogUnavailable
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.log.transactions import NOT_NOW

__all__ = ["Backup", "back_up"]

_BUSY_MS: Final = 30_000
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_TABLES: Final = (
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
)


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was made and checked."""

    path: Path
    n_bytes: int
    n_records: int
    last_hash: str
    """Of its last record: it stands for the whole copy."""


def back_up(source: Path, to: Path) -> Backup:
    """Copy a log as it is now, check the copy, and only then give it its name.

    Args:
        source: The log; others may go on appending to it.
        to: The copy; nothing may be there.

    Raises:
        LogError: The log cannot be read, the copy cannot be written, something is there already,
            or the copy is not what the log was.
        LogUnavailable: Not now: there is no room for the copy, or the log is locked.
    """
    open_sqlite_log(source, must_exist=True).close()
    with _reserved(to), _removed_at_failure(_unfinished(to)) as unfinished, _errors_named(to):
        counts = _copy(source, unfinished)
        found = _checked(unfinished, counts, to)
        _put_on_disk(unfinished)
        unfinished.replace(to)
        _put_on_disk(to.parent)
    return found


def _unfinished(to: Path) -> Path:
    return to.with_name(f".{to.name}.{os.getpid()}.unfinished")


@contextmanager
def _errors_named(to: Path) -> Iterator[None]:
    """Say of every failure what is wrong, and under the name that the copy would have had.

    SQLite keeps no words for what stops a copy half way; apsw then says "not an error".
    """
    try:
        yield
    except LogUnavailable as error:
        raise _not_now(to, str(error.__cause__)) from error
    except NOT_NOW as error:
        raise _not_now(to, _in_words(error)) from error
    except apsw.Error as error:
        raise LogError(f"{to}: the backup cannot be written: {_in_words(error)}") from error
    except OSError as error:
        raise _os_error(to, error) from error


def _in_words(error: apsw.Error) -> str:
    if isinstance(error, apsw.FullError):
        return "the disk is full"
    code = getattr(error, "extendedresult", 0)  # apsw's own errors have none
    return f"SQLite says {apsw.mapping_extended_result_codes.get(code, error)}"


def _not_now(to: Path, reason: str) -> LogUnavailable:
    free_mb = shutil.disk_usage(to.parent).free / 1e6
    free = f"{free_mb:.1f} MB are free in {to.parent}"
    return LogUnavailable(f"{to}: the backup cannot be written: {reason}; {free}")


def _os_error(to: Path, error: OSError) -> LogError:
    if error.errno in _NO_ROOM:
        return _not_now(to, os.strerror(error.errno))
    return LogError(f"{to}: the backup cannot be written: {error.strerror}")


@contextmanager
def _reserved(to: Path) -> Iterator[None]:
    """Take the name, so that nobody's file is written over; give it back at a failure."""
    try:
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError as error:
        raise LogError(f"{to}: got a file that is there, expected a new name") from error
    except OSError as error:
        raise _os_error(to, error) from error
    try:
        yield
    except BaseException:
        to.unlink(missing_ok=True)
        raise


@contextmanager
def _removed_at_failure(path: Path) -> Iterator[Path]:
    try:
        yield path
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _copy(source: Path, to: Path) -> dict[str, int]:
    """Copy one snapshot and return how many rows its tables have."""
    flags = apsw.SQLITE_OPEN_READWRITE
    with (
        closing(apsw.Connection(str(source), flags=flags)) as log,
        closing(apsw.Connection(str(to))) as copy,
    ):
        log.set_busy_timeout(_BUSY_MS)
        log.execute("BEGIN")
        counts = _row_counts(log)
        with copy.backup("main", log, "main") as work:
            while not work.done:
                work.step(-1)
        log.execute("COMMIT")
        return counts


def _row_counts(connection: apsw.Connection) -> dict[str, int]:
    names = [str(name) for (name,) in connection.execute(_TABLES)]
    return {
        name: int(str(connection.execute(f'SELECT count(*) FROM "{name}"').get)) for name in names
    }


def _checked(copy: Path, counts: dict[str, int], to: Path) -> Backup:
    """Check that a copy is whole and has every row of the snapshot."""
    with closing(open_sqlite_log(copy, must_exist=True)) as log:
        found = log.verify()
    if not found.is_whole:
        wrong = found.damage or f"record {found.first_bad_seq}: {found.reason}"
        raise LogError(
            f"{to}: the copy is not whole: {wrong}; "
            "`athanor audit verify` tells whether the log itself is"
        )
    with closing(apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        copied = _row_counts(connection)
    if copied != counts or found.n_records != counts["record"]:
        raise LogError(f"{to}: got rows {copied}, expected {counts}")
    return Backup(to, copy.stat().st_size, found.n_records, found.last_hash)


def _put_on_disk(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
