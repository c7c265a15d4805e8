"""The engine's question to its planner: asked beside the loop, answered into the inbox."""

import asyncio

from drivers.clock import Clock
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import CandidatesProposed, Event
from orchestrator.engine.bench_hours import bench_hours
from orchestrator.engine.inbox import Inbox
from orchestrator.engine.journal import Journal
from orchestrator.engine.perform import (
    events_from_proposal,
    known_observations,
    pending_points,
    proposal_failed,
    proposal_seed,
    refuse_unbindable,
)
from orchestrator.engine.planning import Planning
from orchestrator.execution.compile import CompiledRecipe

__all__ = ["Asking"]


class Asking:
    """At most one question at a time.

    Args:
        journal: The campaign's stream.
        planning: Where the planner runs.
        recipe: Binds candidates to jobs.
        clock: The engine's.
        inbox: Where the answer is put.
    """

    def __init__(
        self,
        journal: Journal,
        planning: Planning,
        recipe: CompiledRecipe,
        clock: Clock,
        inbox: Inbox,
    ) -> None:
        self._journal = journal
        self._planning = planning
        self._recipe = recipe
        self._clock = clock
        self._inbox = inbox
        self._task: asyncio.Task[None] | None = None
        self._last_s = 0.0

    @property
    def last_s(self) -> float:
        """How long the last answer took, in the clock's seconds; 0 before there was one."""
        return self._last_s

    @property
    def is_open(self) -> bool:
        """Whether a question is not answered yet."""
        return self._task is not None

    def ask(self, n: int, tasks: asyncio.TaskGroup) -> None:
        """Ask for candidates.

        Args:
            n: How many, at least 1.
            tasks: Of the loop.
        """
        self._task = tasks.create_task(self._ask(n))

    def cancel(self) -> None:
        """Let the question go."""
        if self._task is not None:
            self._task.cancel()

    async def _ask(self, n: int) -> None:
        state = self._journal.state
        observations = known_observations(state)
        events: list[Event] = []
        begun_s = self._clock.monotonic_s()
        try:
            proposal = await self._planning.propose(
                state.spec,
                observations,
                pending_points(state),
                n=n,
                seed=proposal_seed(state),
                clock=self._clock,
                hours=bench_hours(state, self._recipe.rig, self._clock.now()),
            )
            refuse_unbindable(proposal, self._recipe)
            events = events_from_proposal(state, proposal, len(observations))
        except Exception as error:
            events = proposal_failed(state, error)
        self._last_s = self._clock.monotonic_s() - begun_s

        def write_down() -> None:
            self._journal.catch_up()
            now = self._journal.state
            is_expected = (now.n_proposals, now.is_exhausted) == (
                state.n_proposals,
                state.is_exhausted,
            )
            is_current = known_observations(now)[: len(observations)] == observations
            if is_expected and is_current and not _repeats_own_point(events, state, now):
                self._journal.record(events)
            self._task = None  # what a person's word has overtaken meanwhile is asked anew

        self._inbox.put(write_down)


def _repeats_own_point(events: list[Event], before: CampaignState, now: CampaignState) -> bool:
    """Tell whether a proposal holds a point that a person added while it was made."""
    told = pending_points(before)
    added = [point for point in pending_points(now) if point not in told]
    proposed = [one for one in events if isinstance(one, CandidatesProposed)]
    return any(one.point in added for event in proposed for one in event.candidates)
