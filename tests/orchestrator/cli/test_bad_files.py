"""Files that are wrong: a message that names them, code 2, no traceback, nothing written."""

from pathlib import Path

import pytest

from orchestrator.cli.app import run

pytestmark = pytest.mark.slow

LIBRARY = Path(__file__).parents[3] / "campaigns" / "library" / "oer"
CAMPAIGN = LIBRARY / "oer_plate.toml"
RIG = LIBRARY / "oer_rig.toml"


def broken(path: Path, how: str) -> Path:
    """Make a file that cannot be used."""
    match how:
        case "missing":
            pass
        case "folder":
            path.mkdir()
        case "not UTF-8":
            path.write_bytes(b"[campaign]\nname = '\xff'\n")
        case "not TOML":
            path.write_text("[campaign\n", encoding="utf-8")
        case "empty":
            path.write_text("", encoding="utf-8")
    return path


WAYS = ("missing", "folder", "not UTF-8", "not TOML", "empty")


@pytest.mark.parametrize("how", WAYS)
def test_a_broken_campaign_file_is_refused_by_name(how, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = broken(tmp_path / "campaign.toml", how)

    for arguments in (
        ["check", str(path)],
        ["check", str(path), "--rig", str(RIG)],
        ["run", str(path), "--rig", str(RIG), "--dry-run"],
        ["propose", str(path)],
    ):
        assert run(arguments) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert all(line.startswith(str(path)) for line in said.err.splitlines())
        assert "expected" in said.err
        assert "Traceback" not in said.err
    assert not (tmp_path / "athanor.db").exists()


@pytest.mark.parametrize("how", WAYS)
def test_a_broken_rig_file_is_refused_by_name(how, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = broken(tmp_path / "rig.toml", how)

    for verb in (["check", str(CAMPAIGN)], ["run", str(CAMPAIGN), "--dry-run"]):
        assert run([*verb, "--rig", str(path)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert all(line.startswith(str(path)) for line in said.err.splitlines())
        assert "expected" in said.err
    assert not (tmp_path / "athanor.db").exists()


def test_the_mistakes_of_both_files_are_told_at_once(tmp_path, capsys):
    campaign = broken(tmp_path / "campaign.toml", "empty")
    rig = broken(tmp_path / "rig.toml", "empty")

    assert run(["check", str(campaign), "--rig", str(rig)]) == 2

    said = capsys.readouterr().err
    assert str(campaign) in said
    assert str(rig) in said


def test_resume_and_new_exclude_each_other(tmp_path, capsys):
    arguments = ["run", str(CAMPAIGN), "--rig", str(RIG), "--dry-run", "--resume", "--new"]

    assert run([*arguments, "--database", str(tmp_path / "lab.db")]) == 2

    assert "exclude each other" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--observations", "--pending"])
def test_a_broken_table_is_refused_by_name(option, tmp_path, capsys):
    table = tmp_path / "obs.csv"
    table.write_text("x1,x2\n0.5\n", encoding="utf-8")

    assert run(["propose", str(CAMPAIGN), option, str(table)]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"{table}: line 2: got 1, expected 2 fields, as in the heading\n"
