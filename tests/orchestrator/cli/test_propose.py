"""Proposing from tables on disk: what was printed can be told back; mistakes name their file."""

from pathlib import Path

import pytest

from orchestrator.cli.app import run

CAMPAIGN = """
[campaign]
name = "codes"
[[space.parameter]]
name = "code"
kind = "categorical"
values = ["01", "1", "True", "False", " a"]
[[space.parameter]]
name = "t"
kind = "discrete"
values = [1, 2.5]
[[objective]]
name = "y"
direction = "maximise"
[planner]
name = "sobol"
"""


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "codes.toml"
    path.write_text(CAMPAIGN, encoding="utf-8")
    return path


def test_what_was_printed_is_told_back_and_pending(campaign, capsys):
    assert run(["propose", str(campaign), "-n", "10", "--out", "all.csv"]) == 0
    heading, *lines = Path("all.csv").read_text(encoding="utf-8").splitlines()
    told = [f"{line},{index}" for index, line in enumerate(lines[:9])]
    Path("obs.csv").write_text("\n".join([heading + ",y", *told]), encoding="utf-8")
    Path("p.csv").write_text("\n".join([heading, *lines[:9]]), encoding="utf-8")
    capsys.readouterr()

    code = run(
        ["propose", str(campaign), "--observations", "obs.csv", "--pending", "p.csv", "-n", "2"]
    )

    assert code == 0
    _, *rest = capsys.readouterr().out.splitlines()
    assert [line.split(",")[:2] for line in rest] == [lines[9].split(",")[:2]]


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--pending", "code\n01\n", "table.csv, columns: got 'no column t (has code)'"),
        ("--pending", "code,t\n01,1\n2,1\n", "table.csv, row 2, column code: got '2'"),
        ("--observations", "code,t,y\n01,1,1\n01,1,x\n", "table.csv, row 2, column y: got 'x'"),
        ("--observations", "code,t,y,failed\n01,1,1,2\n", "row 1, column failed: got '2'"),
    ],
)
def test_a_mistake_names_its_file_row_and_column(campaign, capsys, option, text, message):
    Path("table.csv").write_text(text, encoding="utf-8")

    assert run(["propose", str(campaign), option, "table.csv"]) == 2

    assert message in capsys.readouterr().err


def test_why_the_points_were_chosen_goes_beside_the_table(campaign, capsys):
    assert run(["propose", str(campaign), "-n", "11"]) == 0

    printed = capsys.readouterr()
    reason, fewer = printed.err.splitlines()
    assert reason.startswith("initial_design: the planner only fills the space; 10 unseen points")
    assert fewer == "10 of 11 points: no others are left to propose"
    assert len(printed.out.splitlines()) == 1 + 10
