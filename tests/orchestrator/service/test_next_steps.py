"""What somebody has to type next when a campaign waits for a person."""

import os
import platform
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from orchestrator.core.events import (
    LAB_STREAM,
    InstrumentLost,
    InstrumentTakenOut,
    InterlockTripped,
    LatchSet,
    PlacesLeftUnclean,
    StationAttached,
    StopRequested,
)
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.next_steps import next_steps, steps_now
from tests.support.recorded_campaign import RecordedCampaign, record_campaign

DATABASE = Path("lab.db")
STATION = StationAttached(rig_name="rig", rig_sha256="0" * 64, host="here", pid=7)


def steps_on(log: MemoryLog, *again: str) -> tuple[str, ...]:
    lab = Lab(log, actor="ada", clock=SystemClock(), source="memory")
    return next_steps(lab.campaign(), lab.laboratory_view(), database=DATABASE, again=again)


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog()
    campaign = RecordedCampaign(log)
    campaign.open()
    campaign.leave_in_doubt(campaign.start())
    return log


def test_a_doubt_is_looked_at_answered_and_then_it_goes_on(log):
    look, answer, on, end = steps_on(log, "athanor", "run", "a file.toml", "--resume")

    assert look.endswith("athanor doubt list --campaign small-1 --database lab.db")
    assert "athanor doubt answer E0001/dose --database lab.db ran|did_not_run" in answer
    assert on == "then go on: athanor run 'a file.toml' --resume"
    assert end.startswith("or end it: athanor stop small-1 --database lab.db")


def test_where_an_engine_waits_a_resume_is_enough(log):
    *_, on, end = steps_on(log)

    assert on == "then go on: athanor resume small-1 --database lab.db"
    assert end == "or end it: athanor stop small-1 --database lab.db"


@pytest.mark.parametrize(
    ("event", "step"),
    [
        (LatchSet(source="operator", reason="smoke"), "athanor latch clear --by NAME"),
        (
            InterlockTripped(interlock="hot", reason="80 C", instruments=("pump_x1",)),
            "interlock hot tripped (80 C)",
        ),
        (InstrumentTakenOut(instrument="balance", reason="x"), "athanor instruments back balance"),
        (InstrumentLost(instrument="balance", reason="x"), "no answer from balance"),
        (
            PlacesLeftUnclean(places=("cell", "pot"), campaign_id="small-1", experiment_id="E0001"),
            "athanor places clean cell pot --reason HOW --database lab.db",
        ),
    ],
)
def test_what_keeps_the_laboratory_comes_first(event, step, log):
    RecordedCampaign(log).append(event, stream=LAB_STREAM)

    assert step in steps_on(log)[0]


def steps_seen(log: MemoryLog) -> tuple[str, ...]:
    lab = Lab(log, actor="ada", clock=SystemClock(), source="memory")
    return steps_now(lab, lab.campaign(), lab.laboratory_view(), database=DATABASE)


def a_campaign_that_runs(*, is_simulated: bool) -> tuple[MemoryLog, RecordedCampaign]:
    log = MemoryLog()
    campaign = RecordedCampaign(log, is_simulated=is_simulated)
    campaign.open()
    return log, campaign


@pytest.mark.parametrize(
    ("is_simulated", "has_station", "dry_run"),
    [(False, True, ""), (True, True, ""), (True, False, " --dry-run")],
)
def test_a_campaign_that_no_engine_drives_is_taken_up_by_a_run(is_simulated, has_station, dry_run):
    log, campaign = a_campaign_that_runs(is_simulated=is_simulated)
    if has_station:
        campaign.append(STATION, stream=LAB_STREAM)

    on, end = steps_seen(log)

    run = f"athanor run CAMPAIGN --rig RIG{dry_run} --database lab.db --resume"
    assert on == f"then go on: {run} --campaign-id small-1"
    assert end.startswith("or end it: athanor stop small-1 --database lab.db && athanor run")


def test_a_stop_that_nobody_carries_out_needs_an_engine_alone():
    log, campaign = a_campaign_that_runs(is_simulated=True)
    campaign.append(StopRequested(reason="enough"))

    (on,) = steps_seen(log)

    assert on.startswith("then go on: athanor run CAMPAIGN")


def test_a_campaign_with_a_living_engine_goes_on_by_itself():
    log, _ = a_campaign_that_runs(is_simulated=True)
    now = SystemClock().now()
    log.beat("engine/small-1", pid=os.getpid(), host=platform.node(), time=now)

    assert steps_seen(log) == ()


def test_an_ended_campaign_needs_nothing():
    log = MemoryLog()
    record_campaign(log)

    assert steps_on(log) == ()
