"""The problems of the benchmark: what may be made, what comes out, how good the best is."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.front import hypervolume, hypervolume_series
from orchestrator.optimise.feasible_set import FeasibleSet
from tests.benchmarks.peers.analytic import dense_front, dense_outcomes, sparse_strength
from tests.benchmarks.peers.tables import READERS, Point, Table

__all__ = ["PROBLEMS", "REPORTED_ONLY", "Problem", "problem"]

DEFINITIONS: Final = Path(__file__).parent / "definitions"

PROBLEMS: Final = ("oer", "dense6", "sparse9", "monbtaw", "lnp3", "opv", "concrete", "liquidus")
"""All problems, those that matter most first."""
REPORTED_ONLY: Final = ("dense6", "lnp3", "opv", "liquidus")
"""Problems that no setting may be picked by; settings are picked on the other half."""
LISTED: Final = ("monbtaw", "opv", "concrete")
"""Tables that hold some points of their lattice only: samples that exist already."""

_NOISE_SD: Final[Mapping[str, Mapping[str, float]]] = {
    "oer": {"overpotential_v": 0.0011},
    "dense6": {"y1": 0.01, "y2": 0.01, "y3": 0.01},
    "sparse9": {"strength": 0.01},
    "monbtaw": {"hardness_gpa": 0.1},
    "lnp3": {"drug_loading": 0.002, "encapsulation": 0.01, "diameter": 0.03},
    "opv": {"degradation": 0.005},
    "concrete": {"strength_1d_psi": 100.0, "strength_28d_psi": 150.0, "gwp_kg_per_m3": 0.0},
    "liquidus": {"liquidus_k": 2.0},
}
"""Standard deviation of the noise that a measurement adds, in the outcome's unit."""


@dataclass(frozen=True)
class Problem:
    """One problem. Outcomes follow the order of the campaign's objectives.

    Args:
        name: As in `PROBLEMS`.
        text: The campaign file.
    """

    name: str
    text: str

    @cached_property
    def listed_text(self) -> str:
        """The campaign file, with the table's points where they are not a whole lattice."""
        if self.name not in LISTED or self.table is None:
            return self.text
        points = self.table.points
        columns = [f"{name} = {json.dumps([row[name] for row in points])}" for name in points[0]]
        return "\n".join([self.text, "[space.points]", *columns, ""])

    @cached_property
    def campaign(self) -> CampaignSpec:
        """What is searched and sought."""
        return campaign_from_text(self.listed_text, file=f"{self.name}.toml")

    @cached_property
    def feasible(self) -> FeasibleSet:
        """Every point that obeys the definition."""
        return FeasibleSet.of(self.campaign)

    @cached_property
    def table(self) -> Table | None:
        """What can be measured, if that is a table."""
        reader = READERS.get(self.name)
        return reader() if reader else None

    @cached_property
    def noise_sd(self) -> list[float]:
        """Noise of each objective; computed ones have none."""
        return [_NOISE_SD[self.name].get(each.name, 0.0) for each in self.campaign.objectives]

    @property
    def threshold(self) -> list[float]:
        """The reference point."""
        return [float(str(each.threshold)) for each in self.campaign.objectives]

    @cached_property
    def digest(self) -> str:
        """A text that changes with the definition or the table."""
        content = self.text + repr(self.noise_sd)
        if self.table is not None:
            content += repr(self.table.points) + repr(
                {name: values.tolist() for name, values in self.table.outcomes.items()}
            )
        else:
            content += repr(self.truth(self.initial(0, 8)))
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @cached_property
    def _place(self) -> dict[tuple[tuple[str, float | str], ...], int]:
        points = self.table.points if self.table else []
        return {tuple(sorted(point.items())): i for i, point in enumerate(points)}

    def truth(self, points: Sequence[Point]) -> list[list[float]]:
        """Return the noise-free objectives of points that can be measured."""
        measured: dict[str, NDArray[np.float64]]
        if self.table is not None:
            places = [self._place[tuple(sorted(point.items()))] for point in points]
            measured = {name: column[places] for name, column in self.table.outcomes.items()}
        else:
            assert self.campaign.space.composition is not None
            names = self.campaign.space.composition.names
            fractions = np.array([[float(point[name]) for name in names] for point in points])
            if self.name == "dense6":
                measured = dict(zip(("y1", "y2", "y3"), dense_outcomes(fractions).T, strict=True))
            else:
                measured = {"strength": sparse_strength(fractions)}
        computed = [self.campaign.computed_values(point) for point in points]
        return [
            [
                float(
                    computed[i][each.name] if each.name in computed[i] else measured[each.name][i]
                )
                for each in self.campaign.objectives
            ]
            for i in range(len(points))
        ]

    def initial(self, seed: int, n: int) -> list[Point]:
        """Return the experiments that all peers start from: random, the same for a seed.

        Those of made-up landscapes were drawn once and are kept beside the definitions, so that
        they outlive changes to the way in which feasible points are drawn.

        Args:
            seed: At least 0; below 10 for a made-up landscape.
            n: How many, at most 8 for a made-up landscape.
        """
        if self.table is not None:
            rng = np.random.default_rng([seed, 7])
            places = rng.choice(len(self.table.points), n, replace=False)
            return [self.table.points[i] for i in places]
        kept = json.loads((DEFINITIONS / "initial.json").read_text(encoding="utf-8"))
        names = self.campaign.space.names
        return [dict(zip(names, row, strict=True)) for row in kept[self.name][seed][:n]]

    @cached_property
    def best(self) -> float:
        """Hypervolume (for one objective: improvement over the threshold) of all there is."""
        if self.table is not None:
            outcomes = self.truth(self.table.points)
        elif self.name == "dense6":
            outcomes = dense_front().tolist()
        else:
            outcomes = self._sparse_front()
        return hypervolume(outcomes, self._directions, self.threshold)

    def quality(self, outcomes: Sequence[Sequence[float]]) -> list[float]:
        """Return the share of `best` that is reached after each experiment, noise left out."""
        series = hypervolume_series(outcomes, self._directions, self.threshold)
        return [volume / self.best for volume in series]

    @property
    def _directions(self) -> list:  # type: ignore[type-arg]
        return [each.direction for each in self.campaign.objectives]

    def _sparse_front(self) -> list[list[float]]:
        """Return the objectives of every point with three elements, and of pairs and ones."""
        from itertools import combinations

        names = self.campaign.space.composition.names  # type: ignore[union-attr]
        k = np.array([(i, j, 100 - i - j) for i in range(101) for j in range(101 - i)])
        legal = k[((k == 0) | (k >= 5)).all(axis=1)] / 100
        price = np.array([9, 2, 6, 1, 4, 8, 3, 5, 7], dtype=float)
        found = []
        for chosen in combinations(range(len(names)), 3):
            rows = np.zeros((len(legal), len(names)))
            rows[:, chosen] = legal
            strength = sparse_strength(rows)
            order = np.lexsort((-strength, rows @ price))
            best = -np.inf
            for i in order:
                if strength[i] > best:
                    best = float(strength[i])
                    found.append([best, float(rows[i] @ price)])
        return found


@lru_cache
def problem(name: str) -> Problem:
    """Load one problem by name."""
    return Problem(name, (DEFINITIONS / f"{name}.toml").read_text(encoding="utf-8"))
