"""A station is killed; the next one's alarm desk tells a person over a real webhook."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.alarm_bench import write_channels
from tests.support.message_servers import web_hook
from tests.support.real_lab import RealLab

pytestmark = [pytest.mark.crash, pytest.mark.timeout(180)]


def test_a_killed_station_rings_although_the_next_one_is_there_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with web_hook() as hook:
        text = f'[channels.oncall]\nurl = "{hook.url("Hunter2Token")}"\n'
        channels = write_channels(tmp_path / "channels.toml", text)
        monkeypatch.setenv("ATHANOR_ALARM_CHANNELS", str(channels))
        with RealLab(tmp_path) as lab:
            supervisor = lab.run()
            lab.wait_until(lambda: lab.n_acts() > 0)

            os.kill(lab.holder(lab.station.lock), signal.SIGKILL)

            def told() -> list[str]:
                return [
                    record.event.alarm
                    for record in lab.records("lab")
                    if record.event.kind == "AlarmNotified" and not record.event.error
                ]

            lab.wait_until(lambda: "watchdog" in told())
            supervisor.terminate()
            supervisor.communicate(timeout=100)
            said = lab.station.log.read_text(encoding="utf-8")

    titles = [body["title"] for _, body in hook.posted]
    assert "[critical] watchdog" in titles
    assert len(titles) == len(set(titles))
    assert "Hunter2Token" not in said


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with web_hook() as hook:
        text = f'[channels.oncall]\nurl = "{hook.url("Hunter2Token")}"\n'
        channels = write_channels(tmp_path / "channels.toml", text)
        monkeypatch.setenv("ATHANOR_ALARM_CHANNELS", str(channels))
        yield hook


def test_a_station_that_leaves_has_told_of_what_holds_the_campaign(tmp_path: Path, hook):
    with RealLab(tmp_path) as lab:
        supervisor = lab.run("--leave-when-held")
        lab.wait_until(lambda: lab.n_acts() > 0)

        lab.athanor("estop", "--reason", "smoke", "--database", lab.database).wait(60)
        supervisor.communicate(timeout=100)

        kinds = [record.event.kind for record in lab.records("lab")]
        assert lab.pids() == []
    assert supervisor.returncode == 3
    assert "[critical] latch" in [body["title"] for _, body in hook.posted]
    assert kinds.index("AlarmNotified") < kinds.index("StationDetached")


def test_where_nothing_follows_a_killed_station_its_watchdog_has_people_told(tmp_path: Path, hook):
    with RealLab(tmp_path) as lab:
        supervisor = lab.run()
        lab.wait_until(lambda: lab.n_acts() > 0)
        engine = lab.engine_of(supervisor)

        for pid in (supervisor.pid, engine, lab.holder(lab.station.lock)):
            os.kill(pid, signal.SIGKILL)

        lab.wait_until(lambda: lab.pids() == [])
        said = lab.station.watchdog_log.read_text(encoding="utf-8")
        raised = [r.event.alarm for r in lab.records("lab") if r.event.kind == "AlarmRaised"]
    assert "no station follows" in said
    assert {"watchdog", "engine_silent/oer-plate-1"} <= set(raised), said
    assert "[critical] watchdog" in " ".join(str(body) for _, body in hook.posted)
    assert "Hunter2Token" not in said


def test_an_engine_that_gets_no_station_has_people_told_itself(tmp_path: Path, hook):
    def titles() -> list[str]:
        return [body["title"] for _, body in hook.posted]

    with RealLab(tmp_path) as lab:
        lab.station.make()
        lab.station.journal.write_bytes(b"no journal at all" * 500)
        supervisor = lab.run()

        lab.wait_until(lambda: "[high] held/oer-plate-1" in titles(), timeout_s=120.0)
        os.killpg(supervisor.pid, signal.SIGINT)
        output, _ = supervisor.communicate(timeout=100)

        assert lab.pids() == []
    assert supervisor.returncode == 3, output
    assert "athanor resume" in output
