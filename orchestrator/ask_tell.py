"""A campaign by hand: tell what was measured, ask what to make next; no bench, no log."""

import operator
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from campaigns.errors import Problem
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.frames import candidate_frame, observations_in, points_in
from orchestrator.optimise.outlay import needs_bench
from orchestrator.optimise.planner import Proposal, UnsupportedSettings, planner_for
from orchestrator.optimise.searchable import load_searchable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AskTell"]


class AskTell:
    """Proposes points from observations that a person brings.

    What `ask` answers depends on the campaign, the seed, what was told and what is pending, and
    on nothing else: asking twice gives the same answer. A point that was asked for is not pending
    unless it is passed as such.

    Args:
        campaign: What is searched.
        seed: Seed of every random choice, at least 0.

    Raises:
        UnsupportedCampaign: The campaign's planner is unknown or cannot honour the campaign.
        NoFeasiblePoint: No point satisfies the campaign.
        ValueError: The seed is below 0.

    Example:
        >>> from campaigns.loading import campaign_from_text
        >>> text = '''
        ... campaign.name = "bronze"
        ... space.composition = {elements = ["Cu", "Sn"], step = 0.1}
        ... objective = [{name = "hardness_hv", direction = "maximise"}]
        ... '''
        >>> lab = AskTell(campaign_from_text(text, file="bronze.toml"))
        >>> list(lab.ask(2).columns)[:3]
        ['Cu', 'Sn', 'hardness_hv_predicted_mean']
    """

    def __init__(self, campaign: CampaignSpec, *, seed: int = 0) -> None:
        self._seed = operator.index(seed)
        if self._seed < 0:
            raise ValueError(f"seed is {seed}, expected at least 0")
        self._campaign = campaign
        self._planner = planner_for(campaign)
        if needs_bench(campaign):
            expected = "'experiment', or recipe.hours_per_experiment: no bench is known here"
            problem = Problem("per", "hour", expected)
            raise UnsupportedSettings(campaign.planner.name, [problem])
        self._observations: list[Observation] = []
        self._feasible = FeasibleSet.of(campaign)

    @classmethod
    def from_file(cls, path: str | Path, *, seed: int = 0) -> Self:
        """Load a campaign file.

        Args:
            path: A TOML file.
            seed: Seed of every random choice, at least 0.

        Raises:
            CampaignFileError: The file holds mistakes (all of them are listed), no point
                satisfies it, or its planner cannot honour it.
            ValueError: The seed is below 0.
        """
        campaign, _, _ = load_searchable(path)
        return cls(campaign, seed=seed)

    @property
    def campaign(self) -> CampaignSpec:
        """What is searched."""
        return self._campaign

    @property
    def feasible(self) -> FeasibleSet:
        """Which points may be proposed."""
        return self._feasible

    @property
    def observations(self) -> Sequence[Observation]:
        """Everything that was told, in order."""
        return tuple(self._observations)

    def tell(self, frame: "pd.DataFrame", *, source: str = "observations") -> None:
        """Add observations; all rows or, if anything is wrong, none.

        Args:
            frame: One row an experiment, as made: fractions may lie off the grid, beyond bounds
                and constraints. Columns as `observations_in` of `orchestrator.optimise.frames`
                says, in the campaign's units and directions.
            source: What the table is called in messages.

        Raises:
            ObservationError: The table is wrong; nothing was told.
        """
        self._observations += observations_in(self._campaign, frame, source=source)

    def ask(
        self,
        n: int = 1,
        *,
        pending: "pd.DataFrame | None" = None,
        pending_source: str = "pending",
    ) -> "pd.DataFrame":
        """Return what to make next.

        Args:
            n: How many points, at least 1.
            pending: Points under way, with a column per component and parameter; other columns
                are ignored.
            pending_source: What the table of pending points is called in messages.

        Returns:
            Up to `n` distinct rows, none of them pending; fewer only if fewer exist. Columns are
            components, parameters, then ``<name>_predicted_mean`` and ``<name>_predicted_sd`` of
            every objective and every measured outcome.

        Raises:
            ValueError: `n` is below 1.
            ObservationError: The table of pending points is wrong.
        """
        return self.frame_of(self.propose(n, pending=pending, pending_source=pending_source))

    def propose(
        self,
        n: int = 1,
        *,
        pending: "pd.DataFrame | None" = None,
        pending_source: str = "pending",
    ) -> Proposal:
        """Return what was chosen, in which way and why; `frame_of` makes a table of it.

        Raises:
            ValueError: `n` is below 1.
            ObservationError: The table of pending points is wrong.
        """
        wanted = operator.index(n)
        if wanted < 1:
            raise ValueError(f"n is {n}, expected at least 1")
        waiting: list[dict[str, float | str]] = []
        if pending is not None:
            waiting = points_in(self._campaign, pending, source=pending_source)
        return self._planner.propose(
            self._campaign, self._observations, waiting, wanted, self._seed
        )

    def frame_of(self, proposal: Proposal) -> "pd.DataFrame":
        """Return the candidates of a proposal as the table that `ask` returns."""
        return candidate_frame(self._campaign, proposal.candidates)
