"""What an engine asks the log about stock: what there is, what a sample takes, from which lots."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from drivers.clock import Clock
from orchestrator.core.campaign import CampaignState
from orchestrator.core.events import StockReceived
from orchestrator.core.job import JobState
from orchestrator.core.point import Point
from orchestrator.core.references import reference_candidate
from orchestrator.core.stock import LotAmounts, Lots, needs_of
from orchestrator.core.supply import Supply
from orchestrator.engine.journal import Journal
from orchestrator.errors import VersionConflict
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.log.stock_rows import shelf_in

__all__ = ["Stockroom"]


class Stockroom:
    """The stock of one campaign's shelf, as the log tells it now.

    What it says may be older than nothing that a decision names: it is read after the streams are,
    and whoever appends in between makes the decision fail.

    Args:
        journal: The campaign's stream, and the log with it.
        recipe: Says what a sample takes.
        clock: Tells what has expired.
    """

    def __init__(self, journal: Journal, recipe: CompiledRecipe, clock: Clock) -> None:
        self._journal = journal
        self._recipe = recipe
        self._clock = clock
        self._known: dict[tuple[tuple[str, float | str], ...], Mapping[str, int] | str] = {}

    def receive_first(self) -> None:
        """Have the log say what the rig file says of stock that the shelf never heard of.

        Raises:
            LogError: The log cannot be written.
        """
        while True:
            self._journal.catch_up()
            missing = self._missing()
            if not missing:
                return
            with suppress(VersionConflict):  # another campaign of this rig said it just now
                self._journal.decide_in_lab(missing)

    def _missing(self) -> list[StockReceived]:
        known = self._shelf().stocks
        return [
            StockReceived(
                shelf=self._journal.state.shelf,
                stock=name,
                lot=lot.name,
                amount=lot.amount,
                unit=stock.unit,
                purity=lot.purity,
                expires=lot.expires,
                reason="as the rig file says",
            )
            for name, stock in self._recipe.rig.stock.items()
            if name not in known
            for lot in stock.first_lots
        ]

    def supply(self) -> Supply:
        """Return what the next decision needs to know.

        Raises:
            LogError: The log cannot be read.
        """
        if not self._recipe.rig.stock:
            return Supply()
        state = self._journal.state
        found = {one.candidate_id: self._needs(one.candidate.point) for one in state.queue}
        reference = {} if state.spec.reference is None else self._reference_needs(state)
        return Supply(
            shelf=self._shelf(),
            needs={name: needs for name, needs in found.items() if not isinstance(needs, str)},
            reference_needs=reference,
            forbidden={name: reason for name, reason in found.items() if isinstance(reason, str)},
        )

    def reserved_for(self, point: Point) -> LotAmounts | None:
        """Return from which lots an experiment's stock is kept; None if there is not enough.

        Args:
            point: What the experiment is to make.

        Raises:
            LogError: The log cannot be read.
        """
        needs = self._needs(point)
        if isinstance(needs, str):
            return None
        if not needs:
            return {}
        return self._shelf().for_experiment(needs, self._clock.now().date())

    def drawn_by(self, jobs: Sequence[tuple[str, JobState]]) -> list[LotAmounts] | None:
        """Return from which lots jobs draw that one order does; None if there is not enough.

        Args:
            jobs: With the experiments that they belong to.

        Raises:
            LogError: The log cannot be read.
        """
        if not any(job.planned.draws for _, job in jobs):
            return [{} for _ in jobs]
        shelf, today = self._shelf(), self._clock.now().date()
        found: list[LotAmounts] = []
        for experiment_id, job in jobs:
            draws = shelf.for_job(experiment_id, job.planned.draws, today)
            if draws is None:
                return None
            shelf = shelf.moved(draws, consumed=1)
            found.append(draws)
        return found

    def _shelf(self) -> Lots:
        state = self._journal.state
        return shelf_in(self._journal.log, state.shelf, state.campaign_id)

    def _reference_needs(self, state: CampaignState) -> Mapping[str, int]:
        needs = self._needs(reference_candidate(state).point)
        return {} if isinstance(needs, str) else needs

    def _needs(self, point: Point) -> Mapping[str, int] | str:
        """Return what a point takes, in millionths by stock, or why it can never be made."""
        key = tuple(sorted(point.items()))
        if key not in self._known:
            meeting = self._recipe.meeting_at(point)
            jobs = self._recipe.jobs_for(point, "needs")
            self._known[key] = needs_of(jobs) if meeting is None else str(meeting)
        return self._known[key]
