"""A campaign that is driven for weeks does not grow by the jobs of what ended long ago."""

from dataclasses import replace

from orchestrator.core.events import ExperimentStarted
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.ledger import Ledger
from orchestrator.core.point import Candidate, Prediction
from orchestrator.core.slimming import slimmed, without_past
from orchestrator.log.late_ledger import LateItems, LateLedger
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import START, DryRun, oer_campaign
from tests.support.pretend_campaigns import planned_jobs


def closed(n, candidate=Candidate(point={"x1": 1.0})):  # noqa: B008 - it is frozen
    return Ledger(
        [
            ExperimentState.from_start(
                ExperimentStarted(
                    experiment_id=f"E{number:04d}",
                    number=number,
                    candidate=candidate,
                    jobs=planned_jobs(f"E{number:04d}"),
                    cost_usd=0.0,
                ),
                START,
            )
            for number in range(1, n + 1)
        ]
    )


def test_only_the_last_experiments_keep_their_jobs():
    run = DryRun(MemoryLog(), oer_campaign())
    run.open()
    state = run.state()

    few = slimmed(replace(state, closed_experiments=closed(69)))
    many = slimmed(replace(state, closed_experiments=closed(70)))

    assert all(one.jobs for one in few.closed_experiments)
    assert [bool(one.jobs) for one in many.closed_experiments] == [False] * 50 + [True] * 20
    assert [one.number for one in many.closed_experiments] == list(range(1, 71))
    assert slimmed(many) is many


def test_predictions_of_old_candidates_are_forgotten():
    run = DryRun(MemoryLog(), oer_campaign())
    run.open()
    told = Candidate(point={"x1": 1.0}, predictions={"y": Prediction(mean=1.0, sd=0.1)})

    state = slimmed(replace(run.state(), closed_experiments=closed(70, told)))

    plain = Candidate(point={"x1": 1.0})
    assert [one.candidate for one in state.closed_experiments] == [plain] * 50 + [told] * 20


def test_without_its_past_a_state_has_the_last_experiments_only():
    run = DryRun(MemoryLog(), oer_campaign())
    run.open()
    state = run.state()

    few = replace(state, closed_experiments=closed(69))
    many = without_past(replace(state, closed_experiments=closed(70)))

    assert without_past(few) is few
    assert [one.number for one in many.closed_experiments] == list(range(51, 71))
    assert all(one.jobs for one in many.closed_experiments)


def test_what_a_snapshot_has_not_read_is_dropped_unread():
    run = DryRun(MemoryLog(), oer_campaign())
    run.open()
    items = LateItems(500, lambda: closed(500))

    state = without_past(replace(run.state(), closed_experiments=LateLedger(items)))

    assert len(state.closed_experiments) == 0
    assert not items.is_loaded
