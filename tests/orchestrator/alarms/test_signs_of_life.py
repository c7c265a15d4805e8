"""An engine counts as alive by its heartbeat, and by its process where that can be seen."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from orchestrator.alarms.signs_of_life import SILENT_AFTER_S, is_alive
from orchestrator.log.side_tables import Heartbeat

NOW = datetime.now(UTC) + timedelta(hours=1)


def _beat(age_s: float, *, pid: int | None = None, host: str | None = None) -> Heartbeat:
    return Heartbeat(
        name="engine/c-1",
        pid=os.getpid() if pid is None else pid,
        host=platform.node() if host is None else host,
        real_time=NOW - timedelta(seconds=age_s),
    )


@pytest.mark.parametrize(
    ("age_s", "is_simulated", "expected"),
    [
        (SILENT_AFTER_S, False, True),
        (SILENT_AFTER_S + 1, False, False),
        (SILENT_AFTER_S + 600, True, True),
    ],
)
def test_a_process_of_this_machine(age_s, is_simulated, expected):
    assert is_alive(_beat(age_s), real_now=NOW, is_simulated=is_simulated) is expected


@pytest.mark.parametrize("is_simulated", [True, False])
def test_of_another_machine_the_heartbeat_alone_counts(is_simulated):
    fresh = _beat(SILENT_AFTER_S, host="elsewhere")
    old = _beat(SILENT_AFTER_S + 1, host="elsewhere")

    assert is_alive(fresh, real_now=NOW, is_simulated=is_simulated)
    assert not is_alive(old, real_now=NOW, is_simulated=is_simulated)


def test_a_process_that_ended_is_gone_at_once_even_before_it_is_collected():
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    uncollected = is_alive(_beat(0, pid=child.pid), real_now=NOW, is_simulated=True)
    child.wait()

    assert not uncollected
    assert not is_alive(_beat(0, pid=child.pid), real_now=NOW, is_simulated=True)


def test_a_number_that_another_process_has_now_is_not_taken_for_the_engine():
    began = datetime.fromtimestamp(psutil.Process().create_time(), UTC)
    beat = Heartbeat("engine/c-1", os.getpid(), platform.node(), began - timedelta(minutes=1))

    assert not is_alive(beat, real_now=began, is_simulated=True)
