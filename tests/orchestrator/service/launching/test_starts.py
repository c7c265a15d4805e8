"""Campaigns are started by real processes, once each, whatever dies or is asked twice."""

import os
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from orchestrator.access.roles import Principal, Role
from orchestrator.errors import LogUnavailable, RequestRefused
from orchestrator.service.acts import Told, perform_act
from orchestrator.service.acts.start_acts import StartAgain, StartCampaign
from orchestrator.service.lab import Lab
from orchestrator.service.launching import CampaignText, LaunchDesk, RigOffer, StartWanted
from orchestrator.service.station_door import NoStations
from orchestrator.settings import Settings
from tests.support.launching import act_key, campaign_source
from tests.support.real_lab import RealLab
from tests.support.source_tree import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ADA = Principal.of_role("ada", Role.OPERATOR, "session")
SERVER = """
import sys
from pathlib import Path
from orchestrator.service.launching import LaunchDesk, RigOffer, StartWanted
from orchestrator.settings import Settings
from tests.support.launching import act_key, campaign_source
database, rig, speed, wanted, *key = sys.argv[1:]
desk = LaunchDesk.open(
    Settings(database=Path(database), actor="server"), [RigOffer(Path(rig), float(speed))]
)
desk.start(StartWanted.model_validate_json(wanted), act=act_key(*key))
"""
N_DEATHS = 20


class Server:
    """A launcher on a laboratory whose bench is served."""

    def __init__(self, lab: RealLab) -> None:
        self.lab = lab
        self.settings = Settings(database=lab.database, actor="server")
        Lab.make(self.settings)
        self.desk = LaunchDesk.open(self.settings, [RigOffer(lab.rig, lab.speed)])
        text = lab.campaign.read_text(encoding="utf-8")
        source = CampaignText(file_name="oer_plate.toml", text=text)
        self.kept = self.desk.keep(source, by="ada")
        (self.rig,) = self.desk.rigs()

    def wanted(self, **more) -> StartWanted:
        return StartWanted(
            file_id=self.kept.file_id,
            file_sha256=self.kept.sha256,
            rig=self.rig.name,
            rig_sha256=self.rig.sha256,
            **more,
        )

    def act(self, **more) -> StartCampaign:
        return StartCampaign(**{**self.wanted(**more).model_dump(), "reason": "to learn"})

    def perform(self, act, key: str) -> Told:
        return perform_act(
            act,
            ADA,
            open_lab=lambda name, acting: Lab.open(
                self.settings.model_copy(update={"actor": name}), acting
            ),
            door=NoStations(),
            key=key,
            launcher=self.desk,
        )

    def openings(self) -> list[tuple[str, str]]:
        return [
            (record.event.campaign_id, record.actor)
            for record in self.lab.records()
            if record.event.kind == "CampaignOpened"
        ]

    def engines(self) -> list[psutil.Process]:
        """Return engines, without their supervisors."""
        found = []
        for pid in self.lab.pids():
            try:
                process = psutil.Process(pid)
                if {"run", "--no-supervise"} <= {*process.cmdline()}:
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def n_attached(self) -> int:
        """Return how often an engine took a campaign."""
        return sum(record.event.kind == "EngineAttached" for record in self.lab.records())

    def change_rig(self) -> None:
        """Write something else into the rig file, and look at it."""
        text = self.lab.rig.read_text(encoding="utf-8")
        dearer = text.replace("cost_usd_per_hour = 12.0", "cost_usd_per_hour = 13.0")
        self.lab.rig.write_text(dearer, encoding="utf-8")
        (self.rig,) = self.desk.rigs()

    def has_finished(self, campaign_id: str) -> bool:
        with Lab.open(self.settings) as lab:
            return lab.state(campaign_id).status.has_ended


@pytest.fixture
def server(tmp_path):
    with RealLab(tmp_path, speed=200.0) as lab:
        server = Server(lab)
        yield server
        server.desk.close()
        for pid in lab.pids():
            os.kill(pid, signal.SIGKILL)


def test_a_campaign_is_opened_by_the_person_and_driven_to_its_end(server):
    told = server.perform(server.act(), "start-0001")

    assert (told.campaign_id, told.was_done_before) == ("oer-plate-1", False)
    assert server.openings() == [("oer-plate-1", "ada")]
    (first,) = [one for one in server.lab.records() if one.event.kind == "CampaignOpened"]
    assert first.is_simulated
    assert first.event.reason == "to learn"
    leader = psutil.Process(server.engines()[0].pid).parent()
    assert os.getsid(leader.pid) == leader.pid
    again = server.perform(server.act(), "start-0001")
    assert (again.campaign_id, again.was_done_before) == ("oer-plate-1", True)
    with pytest.raises(RequestRefused, match="used for another act"):
        server.perform(server.act(seed=1), "start-0001")
    started = server.desk.started_from("oer-plate-1")
    assert (started.file_id, started.rig, started.by) == ("oer_plate/1", "oer-bench", "ada")

    with pytest.raises(RequestRefused, match="oer-plate-1 of this name is unfinished"):
        server.perform(server.act(), "start-0002")
    with Lab.open(server.settings) as lab:
        said = server.act().consequence(lab)
    assert "nobody has checked this file with this rig; it shares the rig with oer-plate-1" in said


def test_a_rig_whose_station_holds_another_version_of_its_file_is_in_use(server):
    server.perform(server.act(), "start-0001")
    server.lab.wait_until(lambda: server.lab.n_acts() > 0)
    server.change_rig()

    with pytest.raises(RequestRefused, match="oer-bench is in use: its station"):
        server.perform(server.act(opens_another=True), "start-0002")


@pytest.mark.crash
def test_a_campaign_that_was_started_here_comes_to_its_end(server):
    server.perform(server.act(), "start-0001")

    server.lab.wait_until(lambda: server.has_finished("oer-plate-1"), 120.0)

    server.lab.wait_until(lambda: server.lab.pids() == [])
    assert len(server.openings()) == 1
    with pytest.raises(RequestRefused, match="it needs no engine"):
        server.perform(StartAgain(campaign_id="oer-plate-1", reason="once more"), "again-0003")
    assert server.perform(server.act(), "start-0002").campaign_id == "oer-plate-2"


@pytest.mark.parametrize("dies_too", [False, True])
def test_the_death_of_the_server_in_the_middle_of_a_start_opens_exactly_one(server, dies_too):
    wanted = server.wanted().model_dump_json()
    words = [str(server.lab.database), str(server.lab.rig), str(server.lab.speed), wanted]
    process = subprocess.Popen([sys.executable, "-c", SERVER, *words], cwd=ROOT)
    server.lab.wait_until(lambda: len(server.lab.pids()) > 1)
    process.kill()
    process.wait()
    if dies_too:
        for pid in server.lab.pids():
            os.kill(pid, signal.SIGKILL)
    assert server.openings() == []

    started = server.desk.start(server.wanted(), act=act_key())

    assert started.campaign_id == "oer-plate-1"
    assert server.openings() == [("oer-plate-1", "ada")]
    server.lab.wait_until(lambda: server.lab.n_acts() > 0)
    assert len(server.engines()) == 1
    assert server.openings() == [("oer-plate-1", "ada")]


@pytest.mark.crash
@pytest.mark.timeout(400)
def test_a_start_that_is_asked_again_after_each_death_opens_one_campaign_for_each_key(server):
    words = [str(server.lab.database), str(server.lab.rig), str(server.lab.speed)]
    for number in range(N_DEATHS):
        wanted, key = server.wanted(opens_another=True), f"key-{number:04}"
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER, *words, wanted.model_dump_json(), key], cwd=ROOT
        )
        select.select([], [], [], 0.5 + 2.0 * number / N_DEATHS)
        process.kill()
        process.wait()

        server.desk.start(wanted, act=act_key(key))

        assert len(server.openings()) == number + 1
        for pid in server.lab.pids():
            os.kill(pid, signal.SIGKILL)
    assert len({campaign_id for campaign_id, _ in server.openings()}) == N_DEATHS


def test_of_two_starts_at_once_one_opens_and_the_other_is_told(server):
    acts = [("start-0001", server.act()), ("start-0002", server.act())]

    def outcome(asked) -> str:
        try:
            return server.perform(asked[1], asked[0]).campaign_id
        except RequestRefused as error:
            return str(error)

    with ThreadPoolExecutor(2) as threads:
        outcomes = sorted(threads.map(outcome, acts))

    assert "oer-plate-1" in outcomes
    assert any("is unfinished" in one for one in outcomes)
    assert server.openings() == [("oer-plate-1", "ada")]


def test_one_key_from_two_servers_at_once_opens_one(server):
    other = LaunchDesk.open(server.settings, [RigOffer(server.lab.rig, server.lab.speed)])

    with ThreadPoolExecutor(2) as threads:
        begun = [
            threads.submit(desk.start, server.wanted(), act=act_key())
            for desk in (server.desk, other)
        ]
        found = {one.result().campaign_id for one in begun}
    other.close()

    assert found == {"oer-plate-1"}
    assert server.openings() == [("oer-plate-1", "ada")]


def test_a_campaign_that_nobody_drives_is_started_again_by_its_own_files(server):
    server.perform(server.act(), "start-0001")
    server.lab.wait_until(lambda: server.lab.n_acts() > 0)
    again = StartAgain(campaign_id="oer-plate-1", reason="it was killed")
    with pytest.raises(RequestRefused, match="needs no other engine"):
        server.perform(again, "again-0001")
    (engine,) = server.engines()
    engine.parent().kill()
    engine.kill()
    server.lab.wait_until(lambda: not engine.is_running())
    with Lab.open(server.settings) as lab:
        assert "an engine takes oer-plate-1 over on oer-bench (simulated)" in again.consequence(lab)

    told = server.perform(again, "again-0002")

    assert told.campaign_id == "oer-plate-1"
    assert server.perform(again, "again-0002").was_done_before
    server.lab.wait_until(lambda: server.n_attached() == 2)
    assert len(server.openings()) == 1
    resumed = [one for one in server.lab.records() if one.event.kind == "ResumeRequested"]
    assert [(one.actor, one.event.reason) for one in resumed] == [("ada", "it was killed")]


def test_what_ended_before_it_opened_is_told_with_its_last_lines(server):
    text = server.lab.campaign.read_text(encoding="utf-8")
    wrong = text.replace('basis = "atomic_fraction"', 'basis = "none"')
    source = CampaignText(file_name="oer_plate.toml", text=wrong)
    kept = server.desk.keep(source, by="ada")
    wanted = server.wanted().model_copy(
        update={"file_id": kept.file_id, "file_sha256": kept.sha256}
    )

    with pytest.raises(RequestRefused, match=r"ended with 2. It says: .*basis: got 'none'"):
        server.desk.start(wanted, act=act_key())
    assert server.openings() == []


def test_a_changed_rig_or_file_starts_nothing(server):
    with pytest.raises(RequestRefused, match="as it was checked"):
        server.desk.start(
            server.wanted().model_copy(update={"file_sha256": "0" * 64}), act=act_key()
        )
    wanted = server.wanted()
    server.change_rig()

    with pytest.raises(RequestRefused, match="has changed since"):
        server.desk.start(wanted, act=act_key())
    assert server.lab.pids() == []


def test_a_full_disk_starts_nothing(server, monkeypatch):
    monkeypatch.setattr("orchestrator.service.launching.desk.LEAST_FREE_MB", 1e12)

    with pytest.raises(LogUnavailable, match="nothing is started: .* MB are left"):
        server.desk.start(server.wanted(), act=act_key())
    with pytest.raises(LogUnavailable, match="nothing is started"):
        server.desk.dry_run(server.kept.file_id, "oer-bench", by="ada")
    with pytest.raises(LogUnavailable, match="nothing is kept"):
        server.desk.keep(campaign_source(3), by="ada")
    assert server.lab.pids() == []


def test_a_campaign_of_a_terminal_is_not_started_again_here(server):
    run = server.lab.run()
    server.lab.wait_until(lambda: bool(server.openings()))
    engine = server.lab.engine_of(run)
    run.kill()
    os.kill(engine, signal.SIGKILL)
    run.wait()

    with pytest.raises(RequestRefused, match="athanor run CAMPAIGN_FILE --rig RIG_FILE --resume"):
        server.desk.start_again("oer-plate-1", act=act_key())
    assert server.desk.started_from("oer-plate-1") is None
