"""Whoever does a person's task has said by that that they have seen its alarm."""

from dataclasses import replace

import pytest

from orchestrator.alarms.desk import AlarmDesk
from orchestrator.alarms.tasks_done import who_did
from orchestrator.core.campaign import fold
from orchestrator.core.events import (
    CampaignStopped,
    InstrumentConnected,
    JobEvent,
    JobFailed,
    JobFinished,
    JobStarted,
    LoggedReading,
    StopRequested,
    campaign_stream,
)
from orchestrator.core.patience import Patience
from orchestrator.log.memory_log import MemoryLog
from tests.support.alarm_bench import HandClock, say
from tests.support.pretend_campaigns import opening, proposed, small_campaign, started

PERSON = InstrumentConnected(instrument="balance", driver="manual_station", identity="board")
TASK = JobStarted(job_id="E0001/tare", attempt=1, epoch=1)
DONE = JobFinished(job_id="E0001/tare", readings=(LoggedReading(name="done_by", value="Ana"),))
REFUSED = JobFailed(
    job_id="E0001/tare", error="DeviceFault", message="refused by Ana", has_acted=False
)
ENDING = (StopRequested(), CampaignStopped(reason=""))


class Laboratory:
    """A log with a campaign whose task for a person rings."""

    def __init__(self) -> None:
        self.log, self.clock = MemoryLog(), HandClock()
        self.desk = AlarmDesk(self.log, self.clock, patience=Patience())
        say(self.log, self.clock, PERSON)
        opened = opening(small_campaign()).model_copy(update={"is_simulated": False})
        self.happens(opened, proposed(), started(), TASK)

    def happens(self, *events: JobEvent) -> None:
        say(self.log, self.clock, *events, campaign_id="small-1")
        self.desk.look()

    def last_facts(self) -> list[tuple[str, str]]:
        records = list(self.log.read(stream="lab"))[-2:]
        return [(record.event.kind, record.actor) for record in records]


@pytest.mark.parametrize("ending", [(), ENDING], ids=["goes on", "ends"])
def test_who_does_a_task_has_acknowledged_its_alarm(ending):
    lab = Laboratory()
    assert list(lab.desk.alarms.active) == ["manual_task/small-1/E0001/tare"]

    lab.happens(DONE, *ending)

    assert lab.last_facts() == [("AlarmAcknowledged", "Ana"), ("AlarmReturned", "station")]
    assert lab.desk.alarms.active == {}


@pytest.mark.parametrize("events", [(REFUSED,), ENDING], ids=["refused", "cut off"])
def test_a_task_that_was_not_done_is_for_somebody_to_acknowledge(events):
    lab = Laboratory()

    lab.happens(*events)

    assert [str(one.status) for one in lab.desk.alarms.active.values()] == ["returned"]


@pytest.mark.parametrize("left_out", ["open_experiments", "campaign"])
def test_a_task_that_is_forgotten_is_looked_up_in_the_log(left_out):
    lab = Laboratory()
    lab.happens(DONE)
    records = lab.log.read(stream=campaign_stream("small-1"))
    state = fold((record.event, record.time) for record in records)
    known = {} if left_out == "campaign" else {"small-1": replace(state, open_experiments={})}

    assert who_did("manual_task/small-1/E0001/tare", known, lab.log) == "Ana"
    assert who_did("manual_task/small-1/E0001/dose", known, lab.log) == ""
    assert who_did("manual_task/small-1/E0099/tare", known, lab.log) == ""
