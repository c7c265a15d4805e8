"""A person adds a point while the engine works: it is made once, and the planner hears of it."""

from typing import Any

import pytest
from typing_extensions import override

from orchestrator.core.events import CandidatesProposed, ExperimentStarted, PointAdded
from orchestrator.engine.planning import Planning
from orchestrator.log.memory_log import MemoryLog
from orchestrator.optimise.planner import Proposal
from tests.support.dry_runs import DryRun, oer_campaign


class _Overtaken(Planning):
    """Planning during which a person adds the very point that is about to be proposed."""

    def __init__(self, dry_run: DryRun) -> None:
        super().__init__(None)
        self.dry_run = dry_run
        self.pending: list[tuple[Any, ...]] = []

    @override
    async def propose(self, campaign: Any, observations: Any, pending: Any, **how: Any) -> Proposal:
        self.pending.append(tuple(pending))
        proposal = await super().propose(campaign, observations, pending, **how)
        if len(self.pending) == 1:
            point = proposal.candidates[0].point
            own = PointAdded(candidate_id="P0001", point=point, person="ada", reason="a hunch")
            self.dry_run.append(own)
        return proposal


@pytest.mark.slow
def test_a_point_that_a_person_added_while_it_was_proposed_is_made_once():
    dry_run = DryRun(MemoryLog(), oer_campaign(max_experiments=3))
    dry_run.open()
    planning = _Overtaken(dry_run)

    dry_run.drive(planning=planning)

    state = dry_run.state()
    points = [one.candidate.point for one in state.experiments]
    own = next(event for event in dry_run.events() if isinstance(event, PointAdded))
    kinds = [type(event) for event in dry_run.events()]
    assert points.count(own.point) == 1
    assert [one.added_by for one in state.experiments] == ["ada", "", ""]
    assert own.point in planning.pending[1]
    assert kinds.index(PointAdded) < kinds.index(ExperimentStarted)
    assert kinds.count(CandidatesProposed) == len(planning.pending) - 1 == 2
    assert state.n_searched == 3
