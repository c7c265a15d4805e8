"""`athanor run`: whole dry-runs from the command line, with their exit codes."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.app import run
from orchestrator.service.lab import Lab
from orchestrator.settings import Settings
from tests.support.full_disk import files_at_most

pytestmark = pytest.mark.slow

LIBRARY = Path(__file__).parents[3] / "campaigns" / "library" / "oer"
RIG = LIBRARY / "oer_rig.toml"


def campaign_file(folder: Path, n: int) -> Path:
    """Write a campaign of `n` experiments whose planner is quick."""
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = re.sub(r"max_experiments = \d+", f"max_experiments = {n}", text)
    path = folder / "campaign.toml"
    path.write_text(text.replace('name = "botorch"', 'name = "sobol"'), encoding="utf-8")
    return path


def dry_run(campaign: Path, database: Path, *options: str, rig: Path = RIG) -> list[str]:
    arguments = ["run", str(campaign), "--rig", str(rig), "--dry-run"]
    return [*arguments, "--database", str(database), *options]


def last_hash(text: str) -> str:
    (found,) = re.findall(r"last hash ([0-9a-f]{64})", text)
    return found


@pytest.mark.parametrize("way", ["--plain", "--live"])
def test_a_dry_run_ends_with_0_and_a_report(way, tmp_path, capsys):
    database, report = tmp_path / "lab.db", tmp_path / "report.html"

    code = run(dry_run(campaign_file(tmp_path, 3), database, way, "--report", str(report)))

    out = capsys.readouterr().out
    assert code == 0
    assert "oer-plate-1 finished: 3 experiments were made" in out
    assert "E0003" in out
    assert last_hash(out)
    assert report.stat().st_size > 1_000_000
    with Lab.open(Settings(database=database, actor="ada")) as lab:
        assert lab.campaign().counts.done == 3


def test_a_log_that_cannot_be_written_now_is_no_bad_input(tmp_path, capsys):
    arguments = dry_run(campaign_file(tmp_path, 1), tmp_path / "lab.db", "--plain")

    with files_at_most(0):
        code = run(arguments)

    assert code == 5
    assert "lab.db" in capsys.readouterr().err
    assert run(arguments) == 0


def test_a_log_in_no_folder_is_bad_input(tmp_path):
    arguments = dry_run(campaign_file(tmp_path, 1), tmp_path / "nowhere" / "lab.db", "--plain")

    assert run(arguments) == 2


def test_the_same_seed_gives_the_same_hash_and_another_does_not(tmp_path, capsys):
    hashes = []
    campaign = campaign_file(tmp_path, 2)
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert run(dry_run(campaign, tmp_path / f"{name}.db", "--seed", seed)) == 0
        hashes.append(last_hash(capsys.readouterr().out))

    assert hashes[0] == hashes[1] != hashes[2]


def test_a_doubt_ends_with_3_and_blocks_a_second_campaign_unless_it_is_new(tmp_path, capsys):
    campaign, database = campaign_file(tmp_path, 4), tmp_path / "lab.db"
    rig = tmp_path / "rig.toml"
    faults = "".join(
        f'\n[[simulation.fault]]\ninstrument = "pump_transfer"\nkind = "lost"\nexchange = {i}\n'
        for i in range(40, 400)
    )
    rig.write_text(RIG.read_text(encoding="utf-8") + faults, encoding="utf-8")

    assert run(dry_run(campaign, database, rig=rig)) == 3
    said = capsys.readouterr()
    assert "in doubt: E0001/fill_cell" in said.err

    assert run(dry_run(campaign, database, rig=rig)) == 2
    assert "is unfinished" in capsys.readouterr().err

    assert run(["status", "--database", str(database)]) == 0
    assert "held" in capsys.readouterr().out


def test_a_stop_between_engines_is_carried_out_by_the_next_one(tmp_path, capsys):
    campaign, database = campaign_file(tmp_path, 4), tmp_path / "lab.db"
    rig = tmp_path / "rig.toml"
    fault = '\n[[simulation.fault]]\ninstrument = "balance"\nkind = "lost"\nprobability = 1.0\n'
    rig.write_text(RIG.read_text(encoding="utf-8") + fault, encoding="utf-8")
    assert run(dry_run(campaign, database, rig=rig)) == 3

    assert run(["abort", "--database", str(database)]) == 0
    code = run(dry_run(campaign, database, "--resume", rig=rig))

    assert code == 4
    assert "oer-plate-1 aborted" in capsys.readouterr().out


def test_ctrl_c_pauses_a_run_in_another_process_and_it_can_be_resumed(tmp_path, capsys):
    campaign, database = campaign_file(tmp_path, 60), tmp_path / "lab.db"
    command = [sys.executable, "-m", "orchestrator", *dry_run(campaign, database, "--plain")]
    environment = {**os.environ, "ATHANOR_ACTOR": "ada", "PYTHONUNBUFFERED": "1"}

    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("E0002"):
                break
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=90)

    assert process.returncode == 3, errors
    assert "paused" in rest
    assert "pause requested; Ctrl-C asks for a stop" in rest
    with Lab.open(Settings(database=database, actor="ada")) as lab:
        view = lab.campaign()
        assert view.state == "paused"
        assert view.counts.running == 0
        events = [event for event in lab.events() if event.kind == "PauseRequested"]
        assert [event.actor for event in events] == ["ada"]
    assert run(dry_run(campaign, database, "--resume")) == 0
    assert "60 experiments were made" in capsys.readouterr().out


def test_a_report_that_cannot_be_written_does_not_change_the_exit_code(tmp_path, capsys):
    campaign, database = campaign_file(tmp_path, 1), tmp_path / "lab.db"

    code = run(dry_run(campaign, database, "--report", str(tmp_path)))

    assert code == 0
    assert "the report cannot be written" in capsys.readouterr().err
