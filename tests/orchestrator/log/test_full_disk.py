"""A log whose disk is full refuses, keeps nothing by halves, and goes on when there is room."""

import shutil
from pathlib import Path

import pytest

from orchestrator.errors import LogError
from orchestrator.log.snapshots import Snapshot
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.full_disk import files_at_most
from tests.support.recorded_campaign import OPENED, RecordedCampaign

STEP = 4096 + 24
"""A page with its header in the write-ahead log."""


def wal_size(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


def fill(campaign: RecordedCampaign) -> None:
    """Append until there is no room."""
    for _ in range(50):
        campaign.start()


@pytest.mark.parametrize("n_frames_that_fit", [0, 1, 2])
@pytest.mark.parametrize("n_odd_bytes", [0, 1, 24, 600, 4119])
def test_an_append_to_a_full_disk_leaves_nothing(
    tmp_path: Path, n_frames_that_fit: int, n_odd_bytes: int
) -> None:
    path = tmp_path / "athanor.db"
    log = open_sqlite_log(path)
    campaign = RecordedCampaign(log)
    campaign.open()
    before = list(log.stored())

    with files_at_most(wal_size(path) + n_frames_that_fit * STEP + n_odd_bytes):
        for _ in range(3):
            with pytest.raises(LogError, match="full|disk I/O"):
                campaign.start()
        assert list(log.stored()) == before
        assert [beat.name for beat in log.heartbeats()] == []

    assert log.verify().is_whole
    campaign.finish(campaign.start(), 0.4)
    assert log.last_seq() > len(before)
    assert log.verify().is_whole
    log.close()


def test_what_a_full_disk_leaves_can_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "athanor.db"
    log = open_sqlite_log(path)
    campaign = RecordedCampaign(log)
    campaign.open()
    before = list(log.stored())
    lengths = []

    for n_more in range(0, 40_000, 1733):
        with files_at_most(wal_size(path) + n_more), pytest.raises(LogError):
            fill(campaign)
        folder = tmp_path / str(n_more)
        folder.mkdir()
        for name in ("athanor.db", "athanor.db-wal"):
            shutil.copy(tmp_path / name, folder / name)
        found = open_sqlite_log(folder / "athanor.db", must_exist=True)
        stored = list(found.stored())
        assert found.verify().is_whole
        assert stored[: len(before)] == before
        assert stored == list(log.stored())
        lengths.append(len(stored))
        found.close()
    log.close()

    assert lengths == sorted(lengths)
    assert lengths[-1] > lengths[0]


def test_signs_of_life_and_snapshots_are_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "athanor.db"
    log = open_sqlite_log(path)
    log.beat("engine/a", pid=1, host="pc", time=OPENED)

    with files_at_most(wal_size(path)):
        with pytest.raises(LogError):
            log.beat("engine/a", pid=2, host="pc", time=OPENED)
        with pytest.raises(LogError):
            log.keep_snapshots([Snapshot("campaign/a", 1, "0" * 64, "", b"{}")])

    assert [beat.pid for beat in log.heartbeats()] == [1]
    assert log.snapshot("campaign/a") is None
    log.close()
