"""What is shown beside an engine on the bench; that it cannot be shown stops nothing."""

import logging
import threading
from datetime import UTC, datetime

import pytest

from orchestrator.core.lab import LabState
from orchestrator.engine.habits import EngineHabits, Watch
from orchestrator.log.memory_log import MemoryLog
from orchestrator.log.recovered import recovered_state
from orchestrator.wiring import onlooker as rooms
from orchestrator.wiring.onlooker import Onlooker, Progress
from tests.support.recorded_campaign import CAMPAIGN_ID, record_campaign

NOW = datetime(2026, 1, 3, tzinfo=UTC)


def test_a_screen_that_fails_stops_no_engine_and_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rooms, "PROGRESS_EVERY_S", 0.0)
    log = MemoryLog()
    record_campaign(log, n=3, ends=False)
    found = recovered_state(log, CAMPAIGN_ID)
    assert found is not None
    shown = threading.Semaphore(0)

    def fail(progress: Progress) -> None:
        shown.release()
        raise ValueError(f"no room for {progress.view.name}")

    beside = Onlooker(log, CAMPAIGN_ID, EngineHabits(poll_s=1.0), fail, beside=True)
    watch = Watch(found.state, LabState(), NOW, {})

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            while not shown.acquire(timeout=0.01):
                beside(watch)
        beside(watch)

    told = [record.getMessage() for record in caplog.records]
    with pytest.raises(ValueError, match="no room"):
        beside.show_last()
    assert told == [f"{CAMPAIGN_ID}: cannot be shown: ValueError('no room for small')"]
