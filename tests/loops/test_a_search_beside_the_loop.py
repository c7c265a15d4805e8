"""The solver looks for a better order while the engine goes on by its rule."""

import pytest

from orchestrator.core.campaign import CampaignStatus
from orchestrator.core.experiment import ExperimentStatus
from orchestrator.engine import searching
from orchestrator.log.event_log import last_hash
from orchestrator.log.memory_log import MemoryLog
from orchestrator.scheduling import ahead
from tests.support.dry_runs import DryRun
from tests.support.furnace_bench import furnace_campaign, furnace_rig

pytestmark = pytest.mark.slow


def _run(effort: float) -> DryRun:
    spec = furnace_campaign(max_experiments=10, in_flight=5)
    run = DryRun(MemoryLog(), spec, furnace_rig(slots=2), search_effort=effort)
    run.open()
    run.drive()
    return run


def test_with_the_search_everything_is_made_and_the_same_way_twice() -> None:
    first, second = _run(0.05), _run(0.05)

    assert first.state().status is CampaignStatus.FINISHED
    assert {one.status for one in first.state().experiments} == {ExperimentStatus.DONE}
    assert last_hash(first.log) == last_hash(second.log)


def test_a_solver_that_breaks_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("no room for the model")

    monkeypatch.setattr(ahead, "_search", broken)
    run = _run(0.05)

    assert run.state().status is CampaignStatus.FINISHED
    assert any("the solver broke" in record.message for record in caplog.records)
    assert searching.__name__ in {record.name for record in caplog.records}
