"""A check of a long log says how far it is."""

from datetime import UTC, datetime

import pytest

from orchestrator.core.events import LAB_STREAM, InstrumentPutBack
from orchestrator.log import audit
from orchestrator.log.memory_log import MemoryLog


def test_a_check_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_TELL_EVERY", 10)
    log = MemoryLog()
    events = [InstrumentPutBack(instrument="balance", reason=f"{i}") for i in range(35)]
    now = datetime(2026, 1, 5, tzinfo=UTC)
    log.append(LAB_STREAM, events, time=now, actor="ada", is_simulated=False)
    told: list[int] = []

    assert log.verify(told.append).is_whole

    assert told == [10, 20, 30]
