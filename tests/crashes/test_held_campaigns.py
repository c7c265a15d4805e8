"""A real campaign that is held stays with its station, tells a person, and goes on after that."""

import os
import signal
import subprocess
import sys

import pytest

from orchestrator.station.control import NoStation, status_of
from tests.support.real_lab import RealLab
from tests.support.source_tree import ROOT

pytestmark = [pytest.mark.crash, pytest.mark.timeout(180)]


@pytest.fixture
def lab(tmp_path):
    with RealLab(tmp_path) as lab:
        yield lab


def _say(lab: RealLab, *words: str) -> None:
    command = [sys.executable, "-m", "orchestrator", *words, "--database", str(lab.database)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)


def _kinds(lab: RealLab) -> list[str]:
    return [record.event.kind for record in lab.records()]


def _active_alarms(lab: RealLab) -> list[str]:
    return [r.event.alarm for r in lab.records("lab") if r.event.kind == "AlarmRaised"]


def _wait_until_held(lab: RealLab) -> None:
    lab.wait_until(lambda: lab.n_acts() > 0)
    _say(lab, "estop", "--reason", "smoke")
    lab.wait_until(lambda: "CampaignHeld" in _kinds(lab))


def test_a_held_campaign_waits_with_its_station_and_goes_on_when_resumed(lab):
    supervisor = lab.run()
    _wait_until_held(lab)

    lab.wait_until(lambda: "latch" in _active_alarms(lab))
    assert supervisor.poll() is None
    assert lab.holder(lab.station.lock) in lab.pids()

    n_acts = lab.n_acts()
    _say(lab, "latch", "clear", "--by", "Ada", "--reason", "it was toast")
    _say(lab, "resume")
    lab.wait_until(lambda: lab.n_acts() > n_acts)
    lab.wait_until(lambda: _kinds(lab).count("JobStarted") > 1)
    supervisor.terminate()
    output, _ = supervisor.communicate(timeout=100)
    assert _kinds(lab).count("EngineAttached") == _kinds(lab).count("StationAttached") == 1
    assert output.count("then go on: athanor resume") >= 1
    assert "--resume" not in output.partition("then go on: athanor resume")[0]
    assert lab.pids() == []


def test_ctrl_c_leaves_a_held_campaign_as_it_is(lab):
    supervisor = lab.run()
    _wait_until_held(lab)

    os.killpg(supervisor.pid, signal.SIGINT)

    output, _ = supervisor.communicate(timeout=100)
    assert supervisor.returncode == 3, output
    assert "PauseRequested" not in _kinds(lab)
    assert "then go on: athanor run" in output
    assert lab.pids() == []


def test_a_script_may_ask_to_leave_when_held(lab):
    supervisor = lab.run("--leave-when-held")
    _wait_until_held(lab)

    output, _ = supervisor.communicate(timeout=100)

    assert supervisor.returncode == 3, output
    assert "then go on: athanor run" in output


def test_another_station_knows_what_a_person_took_out_of_service(lab):
    supervisor = lab.run()
    lab.wait_until(lambda: lab.n_acts() > 0)
    _say(lab, "instruments", "out", "balance", "--reason", "it drifts")

    os.kill(lab.holder(lab.station.lock), signal.SIGKILL)

    lab.wait_until(lambda: _kinds(lab).count("StationAttached") == 2)
    lab.wait_until(lambda: _out(lab) == {"balance": "it drifts"})
    supervisor.terminate()
    supervisor.communicate(timeout=100)


def _out(lab: RealLab) -> dict[str, str]:
    try:
        return dict(status_of(lab.station, lab.database).status.out)
    except NoStation:
        return {}
