"""A journal goes with its log."""

from pathlib import Path

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
