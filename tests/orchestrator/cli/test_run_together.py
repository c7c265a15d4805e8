"""`athanor run` with several campaign files: one bench in a dry-run, refused on the real one."""

import re
from pathlib import Path

import pytest

from orchestrator.cli.app import run
from tests.support.shared_bench import LIBRARY, campaign_file

RIG = LIBRARY / "oer_rig.toml"


def _words(tmp_path: Path, *names: str) -> list[str]:
    files = [str(campaign_file(tmp_path, name, max_experiments=2)) for name in names]
    return ["run", *files, "--rig", str(RIG), "--database", str(tmp_path / "lab.db")]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["--plain", "--live"])
def test_campaigns_share_a_dry_run_and_each_has_a_report(way, tmp_path, capsys):
    folder = tmp_path / "reports"

    code = run([*_words(tmp_path, "red", "green"), "--dry-run", way, "--report", str(folder)])

    out = capsys.readouterr().out
    assert code == 0
    assert "red-1 finished" in out
    assert "green-1 finished" in out
    assert len(set(re.findall(r"last hash ([0-9a-f]{64})", out))) == 1
    assert sorted(file.name for file in folder.iterdir()) == ["green-1.html", "red-1.html"]
    if way == "--plain":
        assert "red-1 E0001" in out
        assert "green-1 E0002" in out


@pytest.mark.slow
def test_what_several_cannot_be_asked_together_is_refused_before_anything_opens(tmp_path, capsys):
    dry_run = [*_words(tmp_path, "red", "green"), "--dry-run", "--plain"]
    report = tmp_path / "report.html"
    report.write_text("", encoding="utf-8")

    on_bench = run(_words(tmp_path, "red", "green"))
    told_of_bench = capsys.readouterr().err
    twice = run([*_words(tmp_path, "red", "red"), "--dry-run"])
    told_of_names = capsys.readouterr().err
    in_file = run([*dry_run, "--report", str(report)])
    told_of_report = capsys.readouterr().err

    assert (on_bench, twice, in_file) == (2, 2, 2)
    assert "start each in a terminal of its own" in told_of_bench
    assert "'red' in 2 files" in told_of_names
    assert "expected a folder" in told_of_report
    assert not (tmp_path / "lab.db").exists()


@pytest.mark.slow
def test_a_resume_of_several_wants_each_of_them_unfinished(tmp_path, capsys):
    both = [*_words(tmp_path, "red", "green"), "--dry-run", "--plain"]
    assert run(both) == 0
    capsys.readouterr()

    assert run([*both, "--resume"]) == 2

    assert "expected exactly one" in capsys.readouterr().err
