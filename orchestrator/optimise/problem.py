"""One call's campaign, data and feasible set, and how rows are shown to models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation, Point
from orchestrator.optimise.encoding import Encoding
from orchestrator.optimise.feasibility import Feasibility
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import FloatArray, IntArray
from orchestrator.optimise.training_data import Scale, TrainingData, computed_columns

__all__ = ["Problem"]

_RISKY: Final = 0.9
"""Probability below which a pick's chances are told."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One call's campaign, data and feasible set."""

    campaign: CampaignSpec
    encoding: Encoding
    data: TrainingData
    feasible: FeasibleSet
    scales: Mapping[str, Scale]
    """By computed objective."""
    feasibility: Feasibility
    """What failures say of where samples can be made."""

    @classmethod
    def of(cls, campaign: CampaignSpec, observations: Sequence[Observation]) -> "Problem":
        """Collect what a proposal is made from.

        Raises:
            NoFeasiblePoint: No point satisfies the campaign, or none was found.
        """
        encoding = Encoding.of(campaign)
        data = TrainingData.of(campaign, observations, encoding)
        computed = [each.name for each in campaign.objectives if each.name in campaign.computed]
        scales = {
            name: Scale.of(data.computed_made[:, place]) for place, name in enumerate(computed)
        }
        feasibility = Feasibility.of(data.X_made, data.X_failed, encoding.plain)
        return cls(campaign, encoding, data, FeasibleSet.of(campaign), scales, feasibility)

    def rows(self, rows: IntArray) -> FloatArray:
        """Return features of lattice rows, followed by computed objectives on their scales."""
        features = self.encoding.rows(self.feasible.lattice, rows)
        columns = self.feasible.lattice.columns(rows)
        exact: list[FloatArray] = []
        for name, scale in self.scales.items():
            expression = self.campaign.computed_expression(name)
            values = {
                each: column.astype(np.float64)
                for each, column in columns.items()
                if each in expression.names and column.dtype.kind == "f"
            }
            found = expression.evaluate(values) if values else expression.evaluate({})
            exact.append(scale.scaled(np.broadcast_to(np.asarray(found, float), len(rows))))
        return np.column_stack([features, *exact])

    def points(self, points: Sequence[Point]) -> FloatArray:
        """Return the same of points, leaving out those at which a computed one has no value."""
        exact = computed_columns(self.campaign, points)
        valued = np.isfinite(exact).all(axis=1)
        return self.joined(self.encoding.points(points)[valued], exact[valued])

    def joined(self, features: FloatArray, exact: FloatArray) -> FloatArray:
        """Return features followed by computed objectives, which are brought to their scales."""
        scaled = [scale.scaled(exact[:, i]) for i, scale in enumerate(self.scales.values())]
        return np.column_stack([features, *scaled])

    def log_trust(self, encoded: FloatArray) -> FloatArray:
        """Return by how much failures change the logarithm of what encoded rows promise."""
        return self.feasibility.log_trust(encoded[:, : self.encoding.n_features])

    def risks(self, rows: IntArray) -> list[str]:
        """Say which picks may well fail, and how likely each can be made."""
        features = self.encoding.rows(self.feasible.lattice, rows)
        chances = self.feasibility.probability(features).tolist()
        return [
            f"pick {turn} can be made with probability {chance:.2f}"
            for turn, chance in enumerate(chances, start=1)
            if chance < _RISKY
        ]

    def log_success(self, encoded: FloatArray) -> FloatArray:
        """Return the logarithm of how likely encoded rows can be made."""
        probability = self.feasibility.probability(encoded[:, : self.encoding.n_features])
        return np.asarray(np.log(probability), dtype=np.float64)
