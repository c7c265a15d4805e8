"""Where memory runs out, what nothing depends on goes first."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.service.launching.processes import let_go_first


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked")
def test_a_dry_run_is_ended_before_the_station_where_memory_runs_out():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        let_go_first(child.pid)
        said = Path(f"/proc/{child.pid}/oom_score_adj").read_text()

    assert int(said) == 900


def test_a_process_that_is_gone_stops_nobody():
    let_go_first(2**22 + 1)
