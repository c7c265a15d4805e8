"""Proposals by models; imported only once there is enough to learn from, for torch is heavy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from linear_operator.utils.errors import NanError, NotPSDError

from campaigns.spec import CampaignSpec
from orchestrator.core.front import pareto_indices
from orchestrator.core.point import Candidate, Observation, Point, Prediction
from orchestrator.errors import AthanorError
from orchestrator.optimise.acquisition import Improvement
from orchestrator.optimise.batch import BatchChooser
from orchestrator.optimise.candidates import Taken, choose
from orchestrator.optimise.encoding import Encoding
from orchestrator.optimise.feasibility import success_probability
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import FloatArray, IntArray
from orchestrator.optimise.novelty import are_far
from orchestrator.optimise.planner import Proposal
from orchestrator.optimise.repeatable import one_seeded_thread
from orchestrator.optimise.sobol_planner import exact_predictions, points_of
from orchestrator.optimise.surrogate import Surrogate, fit_surrogate
from orchestrator.optimise.training_data import (
    LEAST_ROWS,
    Scale,
    TrainingData,
    computed_columns,
    reference_point,
)

__all__ = ["ModelFailure", "propose_by_model"]

_WHOLE_POOL: Final = 20_000
"""A set of up to so many points is weighed whole."""
_DRAWN_POOL: Final = 3_000


class ModelFailure(AthanorError):
    """A fitted model could not be evaluated; nothing was proposed."""


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """One call's campaign, data and feasible set."""

    campaign: CampaignSpec
    encoding: Encoding
    data: TrainingData
    feasible: FeasibleSet
    scales: Mapping[str, Scale]
    """By computed objective."""

    @classmethod
    def of(cls, campaign: CampaignSpec, observations: Sequence[Observation]) -> "_Problem":
        encoding = Encoding.of(campaign)
        data = TrainingData.of(campaign, observations, encoding)
        computed = [each.name for each in campaign.objectives if each.name in campaign.computed]
        scales = {
            name: Scale.of(data.computed_made[:, place]) for place, name in enumerate(computed)
        }
        return cls(campaign, encoding, data, FeasibleSet.of(campaign), scales)

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

    def log_success(self, encoded: FloatArray) -> FloatArray:
        """Return the logarithm of how likely encoded rows can be made."""
        features = encoded[:, : self.encoding.n_features]
        made, failed = self.data.X_made, self.data.X_failed
        return np.asarray(np.log(success_probability(features, made, failed)), dtype=np.float64)


def propose_by_model(
    campaign: CampaignSpec,
    observations: Sequence[Observation],
    pending: Sequence[Point],
    n: int,
    seed: int,
) -> Proposal:
    """Fit models and propose where improvement is likeliest; see `Planner.propose`.

    Raises:
        ModelFailure: The fitted models could not be evaluated.
    """
    with one_seeded_thread(seed):
        try:
            return _propose(campaign, observations, pending, n, seed)
        except (NanError, NotPSDError) as error:
            name = type(error).__name__
            raise ModelFailure(f"the models could not be evaluated ({name}: {error})") from error


def _propose(
    campaign: CampaignSpec,
    observations: Sequence[Observation],
    pending: Sequence[Point],
    n: int,
    seed: int,
) -> Proposal:
    problem = _Problem.of(campaign, observations)
    feasible, data = problem.feasible, problem.data
    taken = Taken.of(feasible.lattice, observations, pending)
    columns = [column for column in data.columns if len(column.Y) >= LEAST_ROWS]
    remarks = [
        f"{column.name} has too few observations and is left out"
        for column in data.columns
        if len(column.Y) < LEAST_ROWS
    ]
    several = len(campaign.objectives) > 1
    reference = reference_point(campaign, observations) if several else None
    rng = np.random.default_rng([seed, len(observations), len(pending)])
    pool = _pool(feasible, taken, n, rng)
    surrogate = fit_surrogate(columns) if columns else None
    if surrogate is None:
        method = "exact"
        rows, remark = choose(feasible, taken, n, pool, _exact_chooser(problem))
    else:
        baseline = np.unique(problem.joined(data.X_made, data.computed_made), axis=0)
        improvement = Improvement(
            campaign,
            surrogate,
            problem.scales,
            reference or {},
            torch.from_numpy(baseline),
            seed,
            len(observations) + len(pending),
        )
        waiting = torch.from_numpy(problem.points(pending))
        chooser = BatchChooser(
            improvement, feasible, taken, problem.rows, problem.log_success, waiting
        )
        method = improvement.method(0)
        rows, remark = choose(feasible, taken, n, pool, chooser)
        remarks += [*surrogate.remarks, *_lone_picks(improvement, len(rows))]
    reason = f"{len(observations)} observations, {len(pending)} pending, {len(pool)} points weighed"
    return Proposal(
        candidates=_candidates(problem, surrogate, rows),
        method=method,
        reason="; ".join(text for text in (reason, *remarks, remark) if text),
        reference_point=reference,
    )


def _lone_picks(improvement: Improvement, n: int) -> list[str]:
    sought = {turn + 1: improvement.alone(turn) for turn in range(n)}
    return [f"pick {turn} seeks the best {name} alone" for turn, name in sought.items() if name]


def _pool(feasible: FeasibleSet, taken: Taken, n: int, rng: np.random.Generator) -> IntArray:
    if feasible.listed is not None and len(feasible.listed) <= _WHOLE_POOL:
        return feasible.listed
    drawn = feasible.sample(_DRAWN_POOL + n, rng)
    told = np.array(sorted(taken.seen), dtype=np.int64).reshape(-1, feasible.lattice.n_variables)
    near = [feasible.neighbours(row) for row in told[feasible.contains(told)]]
    around = np.vstack([drawn[:0], *near])
    if len(around) > _DRAWN_POOL // 2:
        around = around[rng.choice(len(around), _DRAWN_POOL // 2, replace=False)]
    return np.unique(np.vstack([drawn, around]), axis=0)


def _exact_chooser(problem: _Problem) -> Callable[[IntArray, int, IntArray], IntArray]:
    """Return a chooser for objectives that are all computed: front after front, best first."""
    campaign = problem.campaign

    def chooser(pool: IntArray, n: int, picked: IntArray) -> IntArray:
        exact = problem.rows(pool)[:, problem.encoding.n_features :]
        directions = [objective.direction for objective in campaign.objectives]
        left = list(range(len(pool)))
        chosen: list[int] = []
        while left and len(chosen) < n:
            front = pareto_indices(exact[left].tolist(), directions)
            chosen += [left[place] for place in front]
            gone = set(front)
            left = [row for place, row in enumerate(left) if place not in gone]
        return pool[chosen[:n]]

    return chooser


def _candidates(
    problem: _Problem, surrogate: Surrogate | None, rows: IntArray
) -> tuple[Candidate, ...]:
    found: list[Candidate] = []
    learnt: list[dict[str, Prediction]] = [{} for _ in rows]
    far: Sequence[bool | None] = [None for _ in rows]
    if surrogate is not None and len(rows):
        learnt = surrogate.predictions(problem.rows(rows))
        features = problem.encoding.rows(problem.feasible.lattice, rows)
        far = are_far(features, problem.data.X_made) or far
    points = points_of(problem.feasible, rows)
    for point, predictions, is_far in zip(points, learnt, far, strict=True):
        exact = exact_predictions(problem.campaign, point)
        found.append(
            Candidate(
                point=point,
                predictions={**predictions, **exact},
                is_out_of_distribution=is_far,
            )
        )
    return tuple(found)
