"""Commits that SQLite would pass over in silence are told."""

import shutil
from pathlib import Path

import apsw
import pytest

from orchestrator.errors import LogCorrupt, LogError
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.log.wal_check import unreadable_commits
from tests.support.full_disk import files_at_most
from tests.support.recorded_campaign import RecordedCampaign

FRAME = 4096 + 24


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """Return a log as a crash leaves it: five commits in its write-ahead log."""
    log = open_sqlite_log(tmp_path / "athanor.db")
    RecordedCampaign(log).open()
    campaign = RecordedCampaign(log, "small-2")
    campaign.open()
    campaign.start()
    folder = tmp_path / "crashed"
    folder.mkdir()
    for name in ("athanor.db", "athanor.db-wal"):
        shutil.copy(tmp_path / name, folder / name)
    log.close()
    return folder / "athanor.db"


def flip(path: Path, place: int) -> None:
    wal = Path(f"{path}-wal")
    content = bytearray(wal.read_bytes())
    content[place] ^= 0x10
    wal.write_bytes(content)


def test_a_crashed_log_is_whole(crashed: Path) -> None:
    log = open_sqlite_log(crashed)

    assert unreadable_commits(crashed, apsw.Connection(str(crashed))) == 0
    assert log.verify().is_whole
    log.close()


@pytest.mark.parametrize("place", [0, 9, 17, 30, 32 + 2, 32 + 9, 32 + 20, 32 + 24 + 100])
def test_damage_before_other_commits_is_refused_again_and_again(crashed: Path, place: int) -> None:
    flip(crashed, place)

    for _ in range(2):
        with pytest.raises(LogCorrupt, match="commits in athanor.db-wal are damaged"):
            open_sqlite_log(crashed)


def test_damage_in_the_last_commit_is_told_though_it_may_be_a_power_cut(crashed: Path) -> None:
    size = Path(f"{crashed}-wal").stat().st_size
    flip(crashed, size - FRAME + 200)

    log = open_sqlite_log(crashed)
    found = log.verify()

    assert found.first_bad_seq is None
    assert "write-ahead log cannot be read" in found.damage
    log.close()


def test_appends_that_failed_are_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "athanor.db"
    log = open_sqlite_log(path)
    campaign = RecordedCampaign(log)
    campaign.open()
    size = Path(f"{path}-wal").stat().st_size

    n_failed = 0
    for n_frames in range(40):
        with files_at_most(size + n_frames * FRAME):
            try:
                campaign.start()
            except LogError:
                campaign._n -= 1
                n_failed += 1
        other = open_sqlite_log(path)
        assert other.verify().is_whole
        other.close()
    assert 0 < n_failed < 40
    log.close()
