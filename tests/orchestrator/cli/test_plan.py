"""`athanor plan`: a chart, waits with reasons, expected ends; as text, as JSON, as a page."""

import json
from pathlib import Path

import pytest

from orchestrator.cli.app import run
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.planned_bench import PlannedBench, record_furnace


def _with_another(bench: PlannedBench) -> None:
    bench.open("urgent-1", priority=5)
    bench.start("urgent-1", 1, dosed_hours=0.0, temperature_c=700.0)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "lab.db"
    log = open_sqlite_log(file)
    record_furnace(log, _with_another)
    log.close()
    return file


def test_the_chart_can_be_read_without_colour(database, capsys):
    code = run(["plan", "--database", str(database)])

    out = capsys.readouterr().out
    assert code == 0
    (furnace,) = [line for line in out.splitlines() if line.startswith("furnace")]
    assert "|" in furnace
    assert "*" in furnace
    assert furnace.index("###") < furnace.index("---")
    assert "small-1/E0003/fire" in out
    assert "no room at furnace: E0001, E0002" in out
    assert "urgent-1 (priority 5): ends about" in out


def test_a_script_reads_all_of_it(database, capsys):
    assert run(["plan", "small-1", "--json", "--database", str(database)]) == 0

    (plan,) = json.loads(capsys.readouterr().out)
    kinds = {f"{job['campaign_id']}/{job['job_id']}": job["kind"] for job in plan["jobs"]}
    assert kinds["small-1/E0003/fire"] == "turn"
    assert kinds["small-1/E0003/read"] == "before"
    assert kinds["small-1/E0003/dose"] == ""
    assert [one["campaign_id"] for one in plan["campaigns"]] == ["urgent-1", "small-1"]


def test_a_page_needs_nothing_else(database, tmp_path, capsys):
    page = tmp_path / "plan.html"

    assert run(["plan", "--html", str(page), "--database", str(database)]) == 0

    text = page.read_text(encoding="utf-8")
    assert str(page) in capsys.readouterr().out
    assert "<svg" in text
    assert "http" not in text.replace("http-equiv", "")


def test_what_is_not_there_is_told_in_one_line(database, tmp_path, capsys):
    words = ["plan", "--database", str(database)]
    moon = run([*words, "--rig", "moon"])
    told_of_rig = capsys.readouterr().err
    both = run([*words, "small-1", "--rig", "dice"])
    told_of_both = capsys.readouterr().err
    page = run([*words, "--html", str(tmp_path / "no" / "plan.html")])
    told_of_page = capsys.readouterr().err

    assert (moon, both, page) == (2, 2, 2)
    assert told_of_rig == "rig: got 'moon', expected one of dice\n"
    assert "expected one of the two" in told_of_both
    assert "expected a file to write" in told_of_page
