"""One station a folder: locks that die with their holder, and a socket that is nobody else's."""

import os
from pathlib import Path

import pytest

from orchestrator.errors import RequestRefused
from orchestrator.station.locks import FileLock, LockHeld
from orchestrator.station.places import StationFolder, station_folder


def test_a_held_lock_says_who_holds_it(tmp_path):
    holder, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    holder.take()

    with pytest.raises(LockHeld) as caught:
        other.take()

    assert caught.value.pid == os.getpid()
    holder.release()
    other.take()
    other.release()
    other.release()


def test_a_lock_file_with_garbage_in_it_names_nobody(tmp_path):
    holder = FileLock(tmp_path / "lock")
    holder.take()
    (tmp_path / "lock").write_bytes(b"[1, 2")

    with pytest.raises(LockHeld, match="process unknown"):
        FileLock(tmp_path / "lock").take()
    holder.release()


def test_two_names_of_one_database_share_a_station(tmp_path):
    (tmp_path / "lab.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "lab.db")

    direct = station_folder(tmp_path / "lab.db", "OER bench")

    assert station_folder(tmp_path / "link.db", "OER bench") == direct
    assert direct.path == tmp_path.resolve() / "lab.db.station" / "oer-bench"


def test_the_path_of_a_socket_is_short_however_deep_its_folder():
    deep = StationFolder(Path("/" + "/".join(["folder"] * 40)))

    assert len(str(deep.socket)) < 100


def test_a_socket_folder_that_others_may_enter_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    folder = StationFolder(tmp_path / "station")
    folder.make()
    assert folder.socket.parent.stat().st_mode & 0o777 == 0o700

    folder.socket.parent.chmod(0o777)

    with pytest.raises(RequestRefused, match="0700"):
        folder.make()
