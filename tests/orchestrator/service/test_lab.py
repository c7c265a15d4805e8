"""The only door: what it shows of a log, what it lets in, what it refuses."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from orchestrator.core.events import CampaignPaused, PauseRequested, StopRequested
from orchestrator.errors import LogError, RequestRefused
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.requests import Request
from orchestrator.service.views import EngineState
from orchestrator.settings import Settings
from tests.support.recorded_campaign import CAMPAIGN_ID, RecordedCampaign, record_campaign


def lab_on(log: MemoryLog) -> Lab:
    return Lab(log, actor="ada", clock=SystemClock(), source="memory")


def beat(log: MemoryLog, *, age_s: float = 0.0, campaign_id: str = CAMPAIGN_ID) -> None:
    seen = datetime.now(UTC) - timedelta(seconds=age_s)
    log.beat(f"engine/{campaign_id}", pid=4711, host="bench", time=seen)


def test_a_finished_campaign_is_shown_whole():
    log = MemoryLog()
    record_campaign(log)

    view = lab_on(log).campaign(CAMPAIGN_ID)

    assert (view.state, view.counts.done, view.counts.failed) == ("finished", 11, 1)
    assert view.counts.observed == 11
    assert view.seed == 7
    assert view.is_simulated
    assert view.instruments["balance"] == "SICS 1"
    assert [objective.is_computed for objective in view.objectives] == [False, True]
    assert view.outcomes == ("adhesion_fraction >= 0.5",)
    assert view.last_hash == list(log.read())[-1].hash


def test_best_values_are_those_of_observations_that_keep_the_specifications():
    log = MemoryLog()
    record_campaign(log)

    view = lab_on(log).campaign(CAMPAIGN_ID)

    good = [e for e in view.experiments if e.meets_outcomes]
    assert "E0006" not in {e.experiment_id for e in good}
    assert view.best[0].value == min(e.values["overpotential_v"] for e in good)
    assert view.best[1].value == min(e.computed["cost_usd_per_mol"] for e in good)
    assert view.best[0].sd == 0.001


def test_no_experiment_of_the_front_is_beaten_by_another():
    log = MemoryLog()
    record_campaign(log, n=30)

    view = lab_on(log).campaign(CAMPAIGN_ID)

    def pair(e):
        return e.values["overpotential_v"], e.computed["cost_usd_per_mol"]

    good = [pair(e) for e in view.experiments if e.meets_outcomes]
    front = [pair(e) for e in view.experiments if e.is_on_front]
    assert len(view.front) == len(front) > 1
    for one in front:
        assert not any(a <= one[0] and b <= one[1] and (a, b) != one for a, b in good)


def test_the_hypervolume_never_falls_and_ends_at_the_shown_one():
    log = MemoryLog()
    record_campaign(log, n=30)

    view = lab_on(log).campaign(CAMPAIGN_ID)

    volumes = [entry.hypervolume for entry in view.hypervolume_series]
    assert volumes == sorted(volumes)
    assert volumes[-1] == view.hypervolume
    assert [entry.n_observed for entry in view.hypervolume_series] == list(range(1, 30))


def test_money_is_what_experiments_and_hours_cost():
    log = MemoryLog()
    record_campaign(log)

    view = lab_on(log).campaign(CAMPAIGN_ID)

    experiments, hours, cost = view.limits
    assert experiments.left == 28
    assert hours.used == pytest.approx((11 * 23.5 + 1.0) / 60)
    assert hours.left is None
    assert cost.used == pytest.approx(12 * 9.5 + 12.0 * hours.used)
    assert view.hypervolume_series[-1].cost_usd == pytest.approx(cost.used)


@pytest.mark.parametrize(
    ("age_s", "state", "engine"),
    [
        (None, "unattended", EngineState.SILENT),
        (3600.0, "unattended", EngineState.SILENT),
        (0.0, "running", EngineState.ALIVE),
    ],
)
def test_a_dead_engine_is_never_shown_as_running(age_s, state, engine):
    log = MemoryLog()
    record_campaign(log, ends=False)
    if age_s is not None:
        beat(log, age_s=age_s)
    lab = lab_on(log)

    assert lab.campaign().state == state
    assert lab.campaign().status == "running"
    assert lab.campaign().engine.state is engine
    assert lab.campaigns()[0].state == state


def test_an_engine_of_this_machine_whose_process_has_ended_is_silent_at_once():
    log = MemoryLog()
    record_campaign(log, ends=False)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    now = datetime.now(UTC)

    log.beat("engine/small-1", pid=ended.pid, host=platform.node(), time=now)
    dead = lab_on(log).campaign().engine.state
    log.beat("engine/small-1", pid=os.getpid(), host=platform.node(), time=now)
    alive = lab_on(log).campaign().engine.state

    assert (dead, alive) == (EngineState.SILENT, EngineState.ALIVE)


def test_a_doubt_is_shown_with_its_evidence_and_holds_the_campaign():
    log = MemoryLog()
    campaign = record_campaign(log, n=3, ends=False)
    campaign.leave_in_doubt(campaign.start())

    view = lab_on(log).campaign()

    (doubt,) = view.in_doubt
    assert view.state == "held"
    assert doubt.job_id == "E0004/dose"
    assert doubt.instrument == "pump_x1"
    assert doubt.arguments == {"volume_ul": 600.0}
    assert doubt.evidence == "no reply in 62 s"
    assert view.counts.in_doubt == 1


def test_a_view_follows_the_log_without_reading_it_again():
    log = MemoryLog()
    campaign = record_campaign(log, n=3, ends=False)
    lab = lab_on(log)
    before = lab.campaign()

    campaign.finish(campaign.start(), 0.3)

    after = lab.campaign()
    assert after.counts.done == before.counts.done + 1
    assert after == lab_on(log).campaign()


def test_a_request_stands_in_the_log_with_who_asked_and_why():
    log = MemoryLog()
    record_campaign(log, ends=False)
    beat(log)

    line = lab_on(log).request(Request.PAUSE, reason="refill x3")

    record = list(log.read())[-1]
    assert record.event == PauseRequested(reason="refill x3")
    assert record.actor == "ada"
    assert record.is_simulated
    assert line.state == "pausing"


def test_a_request_in_a_dry_run_carries_virtual_time():
    log = MemoryLog()
    campaign = record_campaign(log, ends=False)

    lab_on(log).request(Request.STOP)

    assert list(log.read())[-1].time == campaign.time


@pytest.mark.parametrize("request_", list(Request))
def test_an_ended_campaign_refuses_every_request(request_):
    log = MemoryLog()
    record_campaign(log)
    n = log.last_seq()

    with pytest.raises(RequestRefused, match="has ended"):
        lab_on(log).request(request_, CAMPAIGN_ID)

    assert log.last_seq() == n


def test_a_request_that_would_change_nothing_says_what_is_possible():
    log = MemoryLog()
    campaign = record_campaign(log, ends=False)
    campaign.append(PauseRequested(), CampaignPaused())

    with pytest.raises(RequestRefused, match="possible: resume, stop, abort"):
        lab_on(log).request(Request.PAUSE)


def test_without_a_name_the_only_unfinished_campaign_is_meant():
    log = MemoryLog()
    record_campaign(log, "small-1")
    record_campaign(log, "small-2", ends=False)
    record_campaign(log, "small-3")

    lab_on(log).request(Request.STOP)

    assert lab_on(log).campaign().campaign_id == "small-2"
    assert list(log.read())[-1].stream == "campaign/small-2"
    assert list(log.read())[-1].event == StopRequested()


def test_several_unfinished_campaigns_must_be_named():
    log = MemoryLog()
    record_campaign(log, "small-1", ends=False)
    record_campaign(log, "small-2", ends=False)

    with pytest.raises(RequestRefused, match="small-1, small-2"):
        lab_on(log).request(Request.STOP)


def test_an_unknown_campaign_is_refused_with_those_that_are_there():
    log = MemoryLog()
    record_campaign(log)

    with pytest.raises(RequestRefused, match=r"no campaign 'nope' in memory; there are: small-1"):
        lab_on(log).campaign("nope")


def test_an_empty_log_has_no_campaign():
    lab = lab_on(MemoryLog())

    assert lab.campaigns() == ()
    with pytest.raises(RequestRefused, match="no campaign in memory"):
        lab.campaign()


def test_opening_never_makes_a_log(tmp_path: Path):
    path = tmp_path / "none.db"

    with pytest.raises(LogError, match="no such file"):
        Lab.open(Settings(database=path, actor="ada"))
    with pytest.raises(LogError, match="a folder"):
        Lab.open(Settings(database=tmp_path, actor="ada"))

    assert not path.exists()


def test_every_event_has_its_summary():
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.finish(campaign.start(), 0.31)

    summaries = [view.summary for view in lab_on(log).events(campaign_id=CAMPAIGN_ID)]

    assert summaries[0] == "small-1 opened on rig small-bench, seed 7"
    assert "E0001/tare done: mass_g 1.25" in summaries
    assert any(
        text.startswith("E0001 observed") and "overpotential_v 0.31" in text for text in summaries
    )
    assert all(summaries)
