"""Commands that must answer at once: a fresh interpreter, and what it has imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.log.sql_log import open_sqlite_log
from tests.support.recorded_campaign import RecordedCampaign

HEAVY = ("torch", "botorch", "gpytorch", "ax", "pandas", "prefect", "numpy", "plotly", "scipy")

SCRIPT = """
import contextlib, io, json, sys
from orchestrator.cli.app import run
with contextlib.redirect_stdout(io.StringIO()):
    code = run(sys.argv[2:])
print(json.dumps([code, [name for name in json.loads(sys.argv[1]) if name in sys.modules]]))
"""

pytestmark = pytest.mark.slow


def outcome_in_a_fresh_interpreter(*arguments: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-c", SCRIPT, json.dumps(HEAVY), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    code, found = json.loads(done.stdout.splitlines()[-1])
    return code, found


def test_help_imports_nothing_heavy():
    assert outcome_in_a_fresh_interpreter("--help") == (0, [])


def test_status_of_a_campaign_without_observations_imports_nothing_heavy(tmp_path: Path):
    log = open_sqlite_log(tmp_path / "lab.db")
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.start()
    log.close()

    code, found = outcome_in_a_fresh_interpreter("status", "--database", str(tmp_path / "lab.db"))

    assert (code, found) == (0, [])


def test_status_of_a_campaign_with_a_front_needs_numpy_alone(tmp_path: Path):
    log = open_sqlite_log(tmp_path / "lab.db")
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.finish(campaign.start(), 0.31)
    log.close()

    code, found = outcome_in_a_fresh_interpreter("status", "--database", str(tmp_path / "lab.db"))

    assert code == 0
    assert set(found) <= {"numpy"}


def test_doctor_imports_nothing_heavy(tmp_path: Path):
    _, found = outcome_in_a_fresh_interpreter("doctor", "--database", str(tmp_path / "lab.db"))

    assert found == []
