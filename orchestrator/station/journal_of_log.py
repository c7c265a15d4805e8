"""Which log a station's journal belongs to.

Epochs are counted by each log. A log that was deleted and begun anew counts from one again; with
the old journal beside it, its engines would be refused for ever as outdated.
"""

import logging
from contextlib import closing
from pathlib import Path

from orchestrator.errors import LogError
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.log.sqlite_station_journal import SqliteStationJournal
from orchestrator.station.places import StationFolder

__all__ = ["put_foreign_journal_aside"]

logger = logging.getLogger(__name__)


def put_foreign_journal_aside(folder: StationFolder, database: Path) -> None:
    """Put the journal aside if it was kept for another log than the one that is there now.

    A log is known by the hash of its first record. Nothing is deleted. A stop latch that is set
    stays set: it is the rig's, and only a named person clears it.

    Args:
        folder: The station's; nobody has the journal open.
        database: The laboratory's log.
    """
    try:
        first = _first_hash(database)
    except LogError as error:
        logger.warning("the journal is not compared with the log: %s", error)
        return
    if not first:
        return
    known = _lines_of(folder.log_mark)[0]
    if known == first:
        return
    beside = folder.log_mark.with_suffix(".part")
    latch = ""
    if known:
        logger.warning("another log is there now; the journal of the old one is put aside")
        begun, *told = _lines_of(beside)
        latch = " ".join(told) if begun == first else ""
        latch = latch or _latch_in(folder.journal)
    beside.write_text(f"{first}\n{' '.join(latch.split())}", encoding="utf-8")
    if known:
        _put_aside(folder.journal, f"{folder.journal.stem}-{known[:12]}")
    if latch:
        with closing(SqliteStationJournal(folder.journal)) as journal:
            journal.keep_latch(latch)
    beside.replace(folder.log_mark)


def _lines_of(mark: Path) -> list[str]:
    """Return what a mark says: the first record's hash, then the latch that was carried over."""
    return mark.read_text("utf-8").split("\n") if mark.exists() else [""]


def _put_aside(journal: Path, stem: str) -> None:
    """Rename a journal to a name that is free; a file without its log is never left in its place.

    Where this is cut short the write-ahead log has gone first: one that stood alone would be taken
    for that of the next journal.
    """
    name, n = f"{stem}.db", 1
    while any(journal.with_name(f"{name}{end}").exists() for end in ("", "-wal")):
        n += 1
        name = f"{stem}-{n}.db"
    for end in ("-wal", "-shm", ""):
        old = journal.with_name(f"{journal.name}{end}")
        if old.exists():
            old.rename(journal.with_name(f"{name}{end}"))


def _latch_in(path: Path) -> str:
    """Return why the latch is set in a journal; one that cannot be read counts as set."""
    if not path.exists():
        return ""
    try:
        with closing(SqliteStationJournal(path)) as journal:
            return journal.latch()
    except LogError as error:
        return f"nobody knows whether it was set before: {error}"


def _first_hash(database: Path) -> str:
    if not database.exists():
        return ""
    with closing(open_sqlite_log(database, must_exist=True)) as log:
        return next((record.hash for record in log.read(limit=1)), "")
