"""A station's alarm desk: from the rig file and the settings to an alarm in the log."""

from pathlib import Path

import pytest

from orchestrator.core.events import LAB_STREAM, PlacesLeftUnclean
from orchestrator.errors import SettingsError
from orchestrator.execution.rig import rig_from_text
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.settings import Settings
from orchestrator.wiring.alarm_beat import AlarmBeat
from tests.support.alarm_bench import NOON, write_channels
from tests.support.message_servers import web_hook

RIG = """
[rig]
name = "two"
[alarms]
lost_s = 5.0
[lines.wire]
kind = "tcp"
host = "127.0.0.1"
port = 4001
[instruments.balance]
driver = "mettler_toledo_sics"
line = "wire"
calibrate_every_days = 30.0
"""


def test_a_desk_begins_to_look_when_the_log_is_there(tmp_path: Path):
    database = tmp_path / "lab.db"
    rig = rig_from_text(RIG, file="rig.toml")
    beat = AlarmBeat(rig, Settings(database=database, actor="ada"))
    beat()
    log = open_sqlite_log(database)
    left = PlacesLeftUnclean(places=("cell",), campaign_id="c-1", experiment_id="E0001")
    log.append(LAB_STREAM, [left], time=NOON, actor="ada", is_simulated=False)

    beat()
    beat()

    kinds = [record.event.kind for record in log.read()]
    names = {record.event.alarm for record in log.read() if record.event.kind == "AlarmRaised"}
    log.close()
    assert kinds.count("AlarmRaised") == len(names)
    assert {"unclean/cell", "calibration/balance"} <= names


def test_a_journal_that_cannot_be_written_rings(tmp_path: Path):
    database = tmp_path / "lab.db"
    log = open_sqlite_log(database)
    beat = AlarmBeat(rig_from_text(RIG, file="rig.toml"), Settings(database=database, actor="ada"))

    beat("journal.db: database or disk is full")
    beat("")

    events = [record.event for record in log.read() if "journal" in record.event.alarm]
    log.close()
    assert [event.kind for event in events] == ["AlarmRaised", "AlarmReturned"]
    assert "disk is full" in events[0].message


@pytest.mark.slow
def test_the_last_look_waits_until_a_person_is_told(tmp_path: Path):
    database = tmp_path / "lab.db"
    log = open_sqlite_log(database)
    left = PlacesLeftUnclean(places=("cell",), campaign_id="c-1", experiment_id="E0001")
    log.append(LAB_STREAM, [left], time=NOON, actor="ada", is_simulated=False)
    with web_hook() as hook:
        text = f'[channels.oncall]\nurl = "{hook.url("Hunter2Token")}"\n'
        channels = write_channels(tmp_path / "channels.toml", text)
        settings = Settings(database=database, actor="ada", alarm_channels=channels)

        AlarmBeat(rig_from_text(RIG, file="rig.toml"), settings).look_a_last_time()

    told = [record.event.alarm for record in log.read() if record.event.kind == "AlarmNotified"]
    log.close()
    assert "unclean/cell" in told
    assert len(hook.posted) == len(told)


def test_a_rig_says_how_long_an_instrument_may_be_gone():
    rig = rig_from_text(RIG, file="rig.toml")

    assert rig.alarms.lost_s == 5.0
    assert rig.fingerprint() != rig_from_text(RIG.replace("5.0", "6.0"), file="").fingerprint()


def test_wrong_channels_are_refused_before_anything_begins(tmp_path: Path):
    rig = rig_from_text(RIG, file="rig.toml")
    path = write_channels(tmp_path / "channels.toml", "", mode=0o644)

    with pytest.raises(SettingsError, match="chmod 600"):
        AlarmBeat(rig, Settings(database=tmp_path / "lab.db", actor="ada", alarm_channels=path))
