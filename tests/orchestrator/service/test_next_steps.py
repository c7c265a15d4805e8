"""What somebody has to type next when a campaign waits for a person."""

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
)
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.next_steps import next_steps
from tests.support.recorded_campaign import RecordedCampaign, record_campaign

DATABASE = Path("lab.db")


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


def test_an_ended_campaign_needs_nothing():
    log = MemoryLog()
    record_campaign(log)

    assert steps_on(log) == ()
