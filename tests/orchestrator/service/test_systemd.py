"""The unit that keeps a campaign running, and what its keeper does at each start."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.core.events import CampaignHeld, ResumeRequested
from orchestrator.errors import RequestRefused
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.service.keeping import Need, needed_now, wait_for_person
from orchestrator.service.systemd import (
    Unit,
    command_of_keeper,
    install_unit,
    uninstall_unit,
    unit_name,
    unit_text,
)
from orchestrator.settings import Settings
from tests.support.recorded_campaign import RecordedCampaign

FOLDERS = ["lab", "lab of ada, 50% $HOME"]


def unit_in(folder: Path, *, user: str = "") -> Unit:
    words = [str(folder / "oer.toml"), "--rig", str(folder / "rig.toml")]
    command = command_of_keeper(Path(sys.executable), words)
    environment = {"ATHANOR_ACTOR": 'ada "of" K', "ATHANOR_ALARM_CHANNELS": str(folder / "c.toml")}
    return Unit("OER plate 5%", command, folder, environment, user=user)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("user", ["", "root"])
def test_systemd_finds_nothing_wrong_with_the_unit(name, user, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    unit = unit_in(folder, user=user)
    path = install_unit(tmp_path / "units", unit_name(unit.campaign_name), unit_text(unit))

    way = "--user" if not user else "--system"
    done = subprocess.run(
        ["systemd-analyze", way, "verify", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={"XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )

    about_it = [line for line in done.stderr.splitlines() if path.name in line]
    assert about_it == []


def test_a_mistake_in_a_file_is_not_tried_for_ever():
    text = unit_text(unit_in(Path("/lab")))

    assert "Restart=always" in text
    assert "RestartPreventExitStatus=0 2 4" in text


def test_only_the_engine_is_killed_with_the_unit_and_in_an_orderly_way():
    text = unit_text(unit_in(Path("/lab")))

    assert "KillMode=process" in text
    assert "KillSignal=SIGTERM" in text
    assert "TimeoutStopSec=120" in text


def test_a_unit_of_somebody_else_is_left_alone(tmp_path):
    theirs = tmp_path / "athanor-x.service"
    theirs.write_text("[Unit]\n")

    with pytest.raises(RequestRefused, match="somebody else's unit"):
        install_unit(tmp_path, theirs.name, unit_text(unit_in(tmp_path)))
    with pytest.raises(RequestRefused, match="somebody else's unit"):
        uninstall_unit(tmp_path, theirs.name)

    assert theirs.read_text() == "[Unit]\n"


def test_a_unit_of_ours_is_replaced_and_removed(tmp_path):
    path = install_unit(tmp_path / "new", "athanor-x.service", unit_text(unit_in(tmp_path)))
    install_unit(path.parent, path.name, unit_text(unit_in(tmp_path / "other")))

    assert "other" in path.read_text()
    assert uninstall_unit(path.parent, path.name) == path
    with pytest.raises(RequestRefused, match="no such unit"):
        uninstall_unit(path.parent, path.name)


def test_a_name_in_two_lines_is_refused():
    with pytest.raises(RequestRefused, match="expected text in one line"):
        unit_text(Unit("a\nExecStart=/bin/sh", ("x",), Path("/lab"), {}))


def test_a_start_does_what_the_log_says(tmp_path):
    settings = Settings(database=tmp_path / "lab.db", actor="ada")
    assert needed_now(settings, "small").need is Need.OPEN
    log = open_sqlite_log(settings.database)
    assert needed_now(settings, "small").need is Need.OPEN
    campaign = RecordedCampaign(log)
    campaign.open()

    assert needed_now(settings, "small").need is Need.RESUME
    campaign.append(CampaignHeld(reason="in doubt: E0001/dose"))
    needed = needed_now(settings, "small")
    assert needed.need is Need.PERSON
    assert needed.reason == "held: in doubt: E0001/dose"
    campaign.append(ResumeRequested())
    campaign.end()
    assert needed_now(settings, "small").need is Need.NOTHING
    log.close()


def test_what_is_held_waits_for_a_person_and_then_goes_on(tmp_path):
    settings = Settings(database=tmp_path / "lab.db", actor="ada")
    log = open_sqlite_log(settings.database)
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.append(CampaignHeld(reason="in doubt: E0001/dose"))
    told: list[str] = []
    looks: list[int] = []

    def pause() -> None:
        looks.append(len(looks))
        if len(looks) == 3:
            campaign.append(ResumeRequested(reason="looked"))

    needed = wait_for_person(settings, "small", pause=pause, tell=told.append)

    assert (needed.need, needed.campaign_id) == (Need.RESUME, "small-1")
    assert len(looks) == 3
    (text,) = told
    assert "held: in doubt: E0001/dose" in text
    assert "athanor resume small-1" in text
    log.close()
