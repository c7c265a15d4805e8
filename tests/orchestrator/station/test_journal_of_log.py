"""A journal goes with its log."""

from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.log.sqlite_station_journal import SqliteStationJournal
from orchestrator.station.journal_of_log import put_foreign_journal_aside
from orchestrator.station.places import station_folder
from tests.support.recorded_campaign import RecordedCampaign


def began(database: Path, campaign_id: str) -> None:
    log = open_sqlite_log(database)
    RecordedCampaign(log, campaign_id).open()
    log.close()


def test_the_journal_of_a_deleted_log_is_put_aside_and_that_of_the_same_one_kept(tmp_path):
    database = tmp_path / "athanor.db"
    folder = station_folder(database, "bench")
    folder.path.mkdir(parents=True)
    began(database, "small-1")
    put_foreign_journal_aside(folder, database)
    journal = SqliteStationJournal(folder.journal)
    journal.keep_epoch("small-1", 7)
    journal.keep_latch("smoke")
    journal.close()

    put_foreign_journal_aside(folder, database)
    kept = SqliteStationJournal(folder.journal)
    epoch = kept.epoch("small-1")
    kept.close()
    for file in tmp_path.glob("athanor.db*"):
        if file.is_file():
            file.unlink()
    began(database, "small-2")
    put_foreign_journal_aside(folder, database)
    fresh = SqliteStationJournal(folder.journal)

    assert epoch == 7
    assert fresh.epoch("small-1") == 0
    assert fresh.latch() == "smoke"
    assert len(list(folder.path.glob("journal-*.db"))) == 1
    fresh.close()


class _Killed(Exception):
    """The process died here."""


@pytest.mark.parametrize("n_renames", range(6))
def test_a_station_killed_while_it_puts_a_journal_aside_loses_neither_it_nor_the_latch(
    tmp_path, monkeypatch, n_renames
):
    database = tmp_path / "athanor.db"
    folder = station_folder(database, "bench")
    folder.path.mkdir(parents=True)
    began(database, "small-1")
    put_foreign_journal_aside(folder, database)
    with closing(SqliteStationJournal(folder.journal)) as journal:
        journal.keep_epoch("small-1", 7)
        journal.keep_latch("smoke")
    database.unlink()
    began(database, "small-2")
    left, rename, replace = iter(range(n_renames)), Path.rename, Path.replace

    def may_die(move: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def moved(path: Path, to: Path) -> Path:
            if next(left, None) is None:
                raise _Killed
            return move(path, to)

        return moved

    with monkeypatch.context() as patched, suppress(_Killed):
        patched.setattr(Path, "rename", may_die(rename))
        patched.setattr(Path, "replace", may_die(replace))
        put_foreign_journal_aside(folder, database)
    put_foreign_journal_aside(folder, database)
    put_foreign_journal_aside(folder, database)

    with closing(SqliteStationJournal(folder.journal)) as journal:
        assert journal.latch() == "smoke"
        assert journal.epoch("small-1") == 0
    epochs = []
    for path in sorted(folder.path.glob("journal-*.db")):
        with closing(SqliteStationJournal(path)) as journal:
            epochs.append(journal.epoch("small-1"))
    assert sorted(epochs)[-1] == 7
