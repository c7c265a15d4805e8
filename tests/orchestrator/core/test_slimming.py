"""A campaign that is driven for weeks does not grow by the jobs of what ended long ago."""

from dataclasses import replace

from orchestrator.core.events import ExperimentStarted
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.ledger import Ledger
from orchestrator.core.point import Candidate
from orchestrator.core.slimming import slimmed
from orchestrator.log.memory_log import MemoryLog
from tests.support.dry_runs import START, DryRun, oer_campaign
from tests.support.pretend_campaigns import planned_jobs


def closed(n):
    return Ledger(
        [
            ExperimentState.from_start(
                ExperimentStarted(
                    experiment_id=f"E{number:04d}",
                    number=number,
                    candidate=Candidate(point={"x1": 1.0}),
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
