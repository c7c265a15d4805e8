"""A campaign that runs short: people are told ahead, the alarm ends with the refill."""

import re
from collections.abc import Mapping
from datetime import datetime

import pytest

from orchestrator.alarms.desk import AlarmDesk
from orchestrator.alarms.stock_watch import short_stock
from orchestrator.core.alarm_conditions import SignsOfLife
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.events import LAB_STREAM, AlarmRaised, AlarmReturned, ExperimentFailed
from orchestrator.core.patience import Patience
from orchestrator.engine.habits import Watch
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import DryRun, oer_campaign
from tests.support.short_stock import refill, short_rig
from tests.support.standing_clock import StandingClock

WARN_HOURS = 3.0


@pytest.mark.slow
def test_people_are_told_in_time_and_no_longer_than_it_lasts() -> None:
    run = DryRun(MemoryLog(), oer_campaign(max_experiments=40), short_rig(12.0))
    run.open()
    warn_hours = dict.fromkeys(run.rig.stock, WARN_HOURS)
    shelf = run.state().shelf
    now = run.state().last_time
    held: list[tuple[datetime, str]] = []
    clock = StandingClock(now)

    def look_around(lab: object, campaigns: Mapping[str, CampaignState]) -> SignsOfLife:
        short = short_stock(run.log, shelf, warn_hours, campaigns.values(), clock.now())
        return SignsOfLife(short_stock=short)

    desk = AlarmDesk(
        run.log, clock, patience=Patience(), look_around=look_around, is_simulated=True
    )

    def person(watch: Watch) -> None:
        clock.time = watch.now
        desk.look()
        if watch.state.status is CampaignStatus.HELD:
            held.append((watch.now, watch.state.status_reason))
            refill(run, 500.0, time=watch.now)

    state = run.drive(on_change=person)

    records = list(run.log.read(stream=LAB_STREAM))
    raised = {
        one.event.alarm: (one.time, one.event.message)
        for one in records
        if isinstance(one.event, AlarmRaised) and one.event.alarm.startswith("stock/")
    }
    returned = {one.event.alarm for one in records if isinstance(one.event, AlarmReturned)}
    held_time, reason = held[0]
    found = re.search(r"stock (x[0-9]):", reason)
    assert found is not None
    told_time, message = raised[f"stock/{found[1]}"]
    hours_ahead = (held_time - told_time).total_seconds() / 3600.0
    assert state.status is CampaignStatus.FINISHED
    assert not any(isinstance(one, ExperimentFailed) for one in run.events())
    said = re.search(r"runs out in about ([0-9.]+) h", message)
    assert said is not None
    assert 0.6 * WARN_HOURS <= float(said[1]) <= WARN_HOURS
    assert float(said[1]) <= hours_ahead <= 2 * float(said[1])  # samples that need less go first
    assert set(raised) <= returned
