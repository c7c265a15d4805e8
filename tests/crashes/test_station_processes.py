"""Supervisor, engine, station and watchdog as real processes that are killed and stopped."""

import os
import signal
import subprocess

import pytest

from orchestrator.station.control import control
from orchestrator.station.messages import EmergencyStop
from tests.support.real_lab import RealLab

pytestmark = [pytest.mark.crash, pytest.mark.timeout(180)]


@pytest.fixture
def lab(tmp_path):
    with RealLab(tmp_path) as lab:
        yield lab


def _end_of(lab: RealLab, supervisor: "subprocess.Popen[str]") -> tuple[int, str]:
    output, _ = supervisor.communicate(timeout=150)
    assert lab.pids() == [], lab.station.log.read_text()
    return supervisor.returncode, output


def _kinds(lab: RealLab, stream: str | None = None) -> list[str]:
    return [record.event.kind for record in lab.records(stream)]


def _wait_for_act(lab: RealLab) -> None:
    n = lab.n_acts()
    lab.wait_until(lambda: lab.n_acts() > n)


def test_a_campaign_ends_and_leaves_no_process_behind(lab):
    code, output = _end_of(lab, lab.run())

    assert (code, "finished" in output) == (0, True), output
    assert {"StationAttached", "InstrumentConnected", "StationDetached"} <= set(_kinds(lab, "lab"))
    assert all(record.is_simulated for record in lab.records())
    assert not lab.station.unclean.exists()


def test_a_killed_engine_is_replaced_and_the_campaign_goes_on(lab):
    supervisor = lab.run("--new")
    _wait_for_act(lab)

    os.kill(lab.engine_of(supervisor), signal.SIGKILL)

    code, output = _end_of(lab, supervisor)
    assert (code, "the engine was killed (SIGKILL)" in output) == (0, True), output
    assert _kinds(lab).count("EngineAttached") == 2
    assert _kinds(lab).count("CampaignOpened") == 1
    assert _kinds(lab).count("StationAttached") == 1


def test_a_killed_station_is_replaced_after_its_watchdog_made_safe(lab):
    supervisor = lab.run()
    _wait_for_act(lab)

    os.kill(lab.holder(lab.station.lock), signal.SIGKILL)

    lab.wait_until(lambda: "WatchdogActed" in _kinds(lab, "lab"))
    lab.wait_until(lambda: _kinds(lab, "lab").count("StationAttached") == 2)
    (acted,) = [r for r in lab.records("lab") if r.event.kind == "WatchdogActed"]
    assert acted.actor == "watchdog"
    assert acted.event.unsafe == {}
    supervisor.terminate()
    _end_of(lab, supervisor)


def test_a_killed_watchdog_is_replaced(lab):
    supervisor = lab.run()
    _wait_for_act(lab)
    first = lab.holder(lab.station.watchdog_lock)

    os.kill(first, signal.SIGKILL)

    lab.wait_until(lambda: lab.holder(lab.station.watchdog_lock) not in (0, first))
    code, output = _end_of(lab, supervisor)
    assert (code, "finished" in output) == (0, True), output
    assert "WatchdogActed" not in _kinds(lab, "lab")


def test_a_station_that_stands_still_is_ended_within_three_beats(lab):
    supervisor = lab.run()
    _wait_for_act(lab)
    pid = lab.holder(lab.station.lock)
    log = lab.station.watchdog_log

    os.kill(pid, signal.SIGSTOP)

    begun_s = lab.wait_until(lambda: True)
    ended_s = lab.wait_until(lambda: "the bench was made safe" in log.read_text(encoding="utf-8"))
    assert ended_s - begun_s < 3 * lab.heartbeat_s + 1.0
    supervisor.terminate()
    _end_of(lab, supervisor)


def test_processes_that_stood_still_together_blame_nobody(lab):
    supervisor = lab.run()
    _wait_for_act(lab)
    together = [lab.holder(lab.station.lock), lab.holder(lab.station.watchdog_lock)]
    together.append(lab.engine_of(supervisor))

    for pid in together:
        os.kill(pid, signal.SIGSTOP)
    begun_s = lab.wait_until(lambda: True)
    lab.wait_until(lambda: lab.wait_until(lambda: True) - begun_s > 5 * lab.heartbeat_s)
    for pid in together:
        os.kill(pid, signal.SIGCONT)

    _end_of(lab, supervisor)
    assert "WatchdogActed" not in _kinds(lab, "lab")
    assert "has been silent" not in lab.station.log.read_text(encoding="utf-8")


def test_an_engine_that_stands_still_has_its_jobs_cut_off(lab):
    supervisor = lab.run()
    _wait_for_act(lab)
    engine = lab.engine_of(supervisor)

    os.kill(engine, signal.SIGSTOP)

    lab.wait_until(lambda: "its jobs are cut off" in lab.station.log.read_text(encoding="utf-8"))
    os.kill(engine, signal.SIGKILL)
    os.kill(engine, signal.SIGCONT)
    supervisor.terminate()
    _end_of(lab, supervisor)


def test_a_supervisor_that_is_told_to_go_takes_everything_along(lab):
    supervisor = lab.run()
    _wait_for_act(lab)

    supervisor.terminate()

    code, output = _end_of(lab, supervisor)
    assert code == 3, output
    assert _kinds(lab, "lab")[-1] == "StationDetached"


def test_ctrl_c_reaches_the_engine_once_and_the_supervisor_waits(lab):
    supervisor = lab.run()
    _wait_for_act(lab)

    os.killpg(supervisor.pid, signal.SIGINT)
    lab.wait_until(lambda: "PauseRequested" in _kinds(lab))
    os.killpg(supervisor.pid, signal.SIGINT)

    code, output = _end_of(lab, supervisor)
    assert (code, "stopped: Ctrl-C" in output) == (0, True), output
    assert _kinds(lab).count("PauseRequested") == _kinds(lab).count("StopRequested") == 1
    assert _kinds(lab).count("EngineAttached") == 1


def test_a_second_station_of_one_rig_is_refused(lab):
    supervisor = lab.run()
    _wait_for_act(lab)

    second = lab.athanor("station", lab.rig, "--database", lab.database, "--speed", lab.speed)
    output, _ = second.communicate(timeout=60)

    assert second.returncode == 2
    assert "lives already" in output
    supervisor.terminate()
    _end_of(lab, supervisor)


def test_a_latch_set_at_the_station_stands_in_the_log_under_the_person(lab):
    supervisor = lab.run()
    _wait_for_act(lab)

    control(lab.station, lab.database, EmergencyStop(reason="smoke"), name="Ada")

    lab.wait_until(lambda: "LatchSet" in _kinds(lab, "lab"))
    (latched,) = [r for r in lab.records("lab") if r.event.kind == "LatchSet"]
    assert latched.actor == "Ada"
    supervisor.terminate()
    _end_of(lab, supervisor)
