"""``athanor samples``: the list and one sample's story, as text and as JSON."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.cli.app import run
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.recorded_campaign import record_campaign


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a log with a campaign that has not ended."""
    path = tmp_path / "lab.db"
    with closing(open_sqlite_log(path)) as log:
        record_campaign(log, n=2, ends=False)
    monkeypatch.setenv("ATHANOR_DATABASE", str(path))
    monkeypatch.setenv("ATHANOR_ACTOR", "ada")
    return path


def test_the_list_and_the_story_agree(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["samples", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {one["standing"] for one in listed} <= {"measured", "lost", "waiting", "on the bench"}
    name = listed[0]["sample"]

    assert run(["samples", "show", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == listed[0]

    assert run(["samples", "show", name]) == 0
    text = capsys.readouterr().out
    assert f"{name}: {listed[0]['standing']}" in text
    assert run(["samples", "list"]) == 0
    assert name in capsys.readouterr().out


def test_unknown_names_end_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["samples", "show", "E0999"]) == 2
    assert "sample: got 'E0999'" in capsys.readouterr().err
    assert run(["samples", "list", "nothing-1"]) == 2
    assert "nothing-1" in capsys.readouterr().err


def test_where_nothing_stands_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["samples", "list", "--place", "furnace"]) == 0
    assert "no sample is being made at furnace" in capsys.readouterr().out
