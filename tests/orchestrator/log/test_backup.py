"""Copies of a log: complete, also while others append, checked, and never over another file."""

from pathlib import Path
from threading import Event, Thread

import apsw
import pytest

from orchestrator.errors import LogError, LogUnavailable
from orchestrator.log.backup import back_up
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.full_disk import files_at_most
from tests.support.recorded_campaign import RecordedCampaign, record_campaign


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "lab.db"
    log = open_sqlite_log(path)
    record_campaign(log, n=4)
    log.close()
    return path


def test_a_copy_has_every_record_under_the_same_hash(source, tmp_path):
    made = back_up(source, tmp_path / "copy.db")

    log, copy = open_sqlite_log(source), open_sqlite_log(made.path)
    assert list(copy.read()) == list(log.read())
    assert copy.projection("job") == log.projection("job")
    assert made.last_hash == log.verify().last_hash
    assert made.n_records == log.last_seq()
    log.close()
    copy.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "lab.db"]


@pytest.mark.parametrize("room", [0, 4096, 100_000])
def test_a_copy_for_which_there_is_no_room_is_refused_in_words_and_removed(source, tmp_path, room):
    folder = tmp_path / "other disk"
    folder.mkdir()

    log = open_sqlite_log(source)
    log.last_seq()

    with files_at_most(room), pytest.raises(LogUnavailable) as caught:
        back_up(source, folder / "copy.db")
    log.close()

    said = str(caught.value)
    assert "copy.db: the backup cannot be written: " in said
    assert "full" in said or "SQLITE_IOERR" in said or "I/O error" in said
    assert "MB are free in" in said
    assert list(folder.iterdir()) == []


def test_a_campaign_that_is_being_written_is_copied_as_it_was_at_one_moment(tmp_path):
    path, n_copies = tmp_path / "lab.db", 3
    log = open_sqlite_log(path)
    campaign = RecordedCampaign(log)
    campaign.open()
    has_begun, is_over = Event(), Event()

    def write() -> None:
        while not is_over.is_set():
            campaign.finish(campaign.start(), 0.31)
            has_begun.set()

    writer = Thread(target=write)
    writer.start()
    try:
        assert has_begun.wait(30)
        copies = [back_up(path, tmp_path / f"copy{n}.db") for n in range(n_copies)]
    finally:
        is_over.set()
        writer.join()

    hashes = {record.seq: record.hash for record in log.read()}
    assert log.verify().is_whole
    log.close()
    for made in copies:
        assert hashes[made.n_records] == made.last_hash
    assert len(hashes) > copies[0].n_records


def test_nothing_is_ever_written_over(source, tmp_path):
    other = tmp_path / "other.db"
    other.write_text("keep me")

    with pytest.raises(LogError, match="got a file that is there, expected a new name"):
        back_up(source, other)
    with pytest.raises(LogError, match="got a file that is there"):
        back_up(source, source)

    assert other.read_text() == "keep me"


def test_a_place_that_cannot_be_written_is_refused_and_nothing_is_left(source, tmp_path):
    with pytest.raises(LogError, match="cannot be written: No such file or directory"):
        back_up(source, tmp_path / "none" / "copy.db")

    assert [path.name for path in tmp_path.iterdir()] == ["lab.db"]


def test_a_log_that_is_not_whole_gives_no_copy(source, tmp_path):
    connection = apsw.Connection(str(source))
    connection.execute("DROP TRIGGER record_stays")
    connection.execute("UPDATE record SET actor = 'eve' WHERE seq = 3")
    connection.close()

    with pytest.raises(LogError, match="the copy is not whole: record 3"):
        back_up(source, tmp_path / "copy.db")

    assert not (tmp_path / "copy.db").exists()
