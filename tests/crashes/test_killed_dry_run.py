"""A dry-run killed with SIGKILL: its log opens whole, and the campaign goes on or says why not."""

import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.core.events import JobOutcomeUnknown, JobStarted, campaign_stream
from orchestrator.log.sql_log import open_sqlite_log

pytestmark = pytest.mark.crash

N_KILLS = 20
LIBRARY = Path("campaigns/library/oer")
ATHANOR = [sys.executable, "-m", "orchestrator"]


@pytest.fixture
def campaign_file(tmp_path: Path) -> Path:
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = text.replace("max_experiments = 100", "max_experiments = 6")
    text = text.replace('name = "botorch"', 'name = "sobol"')
    file = tmp_path / "campaign.toml"
    file.write_text(text, encoding="utf-8")
    return file


def _command(campaign_file: Path, database: Path, *more: str) -> list[str]:
    rig = str(LIBRARY / "oer_rig.toml")
    where = ["--rig", rig, "--dry-run", "--plain", "--database", str(database)]
    return [*ATHANOR, "run", str(campaign_file), *where, *more]


def _kill_after(process: subprocess.Popen[str], database: Path, seq: int) -> int:
    """Kill a run once its log holds so many records; return how many it held then."""
    log = None
    try:
        while process.poll() is None:
            if log is None and database.exists() and database.stat().st_size:
                log = open_sqlite_log(database)
            if log is not None and log.last_seq() >= seq:
                break
        held = log.last_seq() if log is not None else 0
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        return held
    finally:
        if log is not None:
            log.close()


@pytest.mark.parametrize("kill", range(N_KILLS))
@pytest.mark.timeout(180)
def test_a_killed_dry_run_resumes(
    kill: int, tmp_path: Path, campaign_file: Path, record_property: Callable[[str, object], None]
) -> None:
    database = tmp_path / "athanor.db"
    seq = random.Random(kill).randrange(2, 150)
    first = subprocess.Popen(
        _command(campaign_file, database),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    held = _kill_after(first, database, seq)

    log = open_sqlite_log(database)
    verification = log.verify()
    log.close()
    resumed = subprocess.run(
        _command(campaign_file, database, "--resume"),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert first.returncode == -signal.SIGKILL
    assert verification.first_bad_seq is None
    assert verification.n_records >= held
    record_property("exit_code", resumed.returncode)
    assert resumed.returncode in (0, 3), resumed.stderr
    log = open_sqlite_log(database)
    try:
        events = [record.event for record in log.read(stream=campaign_stream("oer-plate-1"))]
        assert log.verify().first_bad_seq is None
    finally:
        log.close()
    doubts = [event.job_id for event in events if isinstance(event, JobOutcomeUnknown)]
    blind = [event.job_id for event in events if isinstance(event, JobStarted)]
    said = resumed.stdout + resumed.stderr
    if resumed.returncode == 3:
        assert any(f"in doubt: {job_id}" in said for job_id in doubts), said
    assert all(
        blind.count(job_id) == 1
        for job_id in blind
        if "weigh" not in job_id and "sweep" not in job_id
    )
