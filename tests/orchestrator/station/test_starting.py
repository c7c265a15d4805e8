"""A station that does not come to life says why in one short line, and where it said more."""

import sys
from pathlib import Path

import pytest

from orchestrator.station.places import StationFolder
from orchestrator.station.starting import StationFailed, ensure_station


@pytest.mark.parametrize(
    ("last_act", "words"),
    [
        ("kill -9 $$", "the station was killed (SIGKILL)"),
        ("exit 7", "the station ended with 7: rig.toml: no such port"),
    ],
)
def test_a_station_that_ends_at_once_is_told_in_one_line(tmp_path, monkeypatch, last_act, words):
    program = tmp_path / "python"
    program.write_text(
        f"#!/bin/sh\necho one\necho two\necho 'rig.toml: no such port'\n{last_act}\n"
    )
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    folder = StationFolder(tmp_path / "lab.db.station" / "rig")

    with pytest.raises(StationFailed) as told:
        ensure_station(Path("rig.toml"), tmp_path / "lab.db", folder, speed=1.0)

    assert str(told.value) == f"{words}; see {folder.log}"
    assert folder.last_words(2) == ["two", "rig.toml: no such port"]


def test_a_station_that_never_was_said_nothing(tmp_path):
    assert StationFolder(tmp_path).last_words(12) == []
