"""Proposals by models; imported only once there is enough to learn from, for torch is heavy."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from linear_operator.utils.errors import NanError, NotPSDError
from torch import Tensor

from campaigns.spec import CampaignSpec
from orchestrator.core.front import pareto_indices
from orchestrator.core.point import Candidate, Observation, Point, Prediction
from orchestrator.errors import AthanorError
from orchestrator.optimise.acquisition.named import acquisition_for
from orchestrator.optimise.acquisition.protocol import Acquisition
from orchestrator.optimise.acquisition.situation import Situation
from orchestrator.optimise.acquisition.territory import Territory
from orchestrator.optimise.aims import Aims
from orchestrator.optimise.batch import BatchChooser
from orchestrator.optimise.bench_time import BenchTime
from orchestrator.optimise.best_made import best_by_model
from orchestrator.optimise.candidates import Taken, choose
from orchestrator.optimise.lattice import IntArray
from orchestrator.optimise.novelty import are_far
from orchestrator.optimise.outlay import log_outlay
from orchestrator.optimise.planner import Proposal
from orchestrator.optimise.planner_settings import PlannerSettings
from orchestrator.optimise.pool import elites, pool_of
from orchestrator.optimise.problem import Problem
from orchestrator.optimise.repeatable import one_seeded_thread
from orchestrator.optimise.repeating import Repeating
from orchestrator.optimise.sobol_planner import exact_predictions, points_of
from orchestrator.optimise.specification_chances import unlikely_specifications
from orchestrator.optimise.surrogate import Surrogate, fit_surrogate
from orchestrator.optimise.time_budget import TimeBudget
from orchestrator.optimise.training_data import (
    LEAST_ROWS,
    Column,
    TrainingData,
    reference_point,
)

__all__ = ["ModelFailure", "propose_by_model"]


class ModelFailure(AthanorError):
    """A fitted model could not be evaluated; nothing was proposed."""


def propose_by_model(
    campaign: CampaignSpec,
    observations: Sequence[Observation],
    pending: Sequence[Point],
    n: int,
    seed: int,
    *,
    settings: PlannerSettings,
    bench: BenchTime | None = None,
) -> Proposal:
    """Fit models and propose where improvement is likeliest; see `Planner.propose`.

    Raises:
        ModelFailure: The fitted models could not be evaluated.
    """
    with one_seeded_thread(seed):
        try:
            return _propose(
                campaign, observations, pending, n, seed, settings=settings, bench=bench
            )
        except (NanError, NotPSDError) as error:
            name = type(error).__name__
            raise ModelFailure(f"the models could not be evaluated ({name}: {error})") from error


def _propose(
    campaign: CampaignSpec,
    observations: Sequence[Observation],
    pending: Sequence[Point],
    n: int,
    seed: int,
    *,
    settings: PlannerSettings,
    bench: BenchTime | None,
) -> Proposal:
    budget, problem = TimeBudget(settings.time_budget_s), Problem.of(campaign, observations)
    feasible = problem.feasible
    taken = Taken.of(feasible.lattice, observations, pending)
    columns, remarks = _learnable(problem.data)
    several = len(campaign.objectives) > 1
    reference = reference_point(campaign, observations) if several else None
    rng = np.random.default_rng([seed, len(observations), len(pending)])
    surrogate = fit_surrogate(columns) if columns else None
    if surrogate is None:
        method = "exact"
        pool = pool_of(feasible, feasible.starts[:0], n, rng)
        rows, remark = choose(feasible, taken, n, pool, _exact_chooser(problem))
    else:
        first = len(observations) + len(pending)
        situation = _situation(problem, surrogate, reference, seed, first)
        aims = situation.aims
        pool = pool_of(feasible, elites(problem, surrogate, aims, taken), n, rng)
        acquisition = acquisition_for(settings, _territory(problem, pool, rng))
        chooser = BatchChooser(
            acquisition=acquisition,
            situation=situation,
            feasible=feasible,
            taken=taken,
            encoded=problem.rows,
            log_success=problem.log_trust,
            log_outlay=log_outlay(campaign, feasible.lattice, settings.per, bench),
            pending=torch.from_numpy(problem.points(pending)),
            budget=budget,
        )
        rows, remark = choose(feasible, taken, n, pool, chooser)
        method = _methods(acquisition, situation, len(rows))
        if settings.replicates == "when_worth":
            repeating = Repeating(problem, surrogate, aims, taken, problem.points(pending))
            rows, repeats = repeating.exchanged(rows)
            remarks += repeats
        noise = [column.noise_remark for column in columns]
        best = best_by_model(campaign, surrogate, observations)
        remarks += [settings.remark, aims.remark, *noise, best]
        remarks += [*surrogate.remarks, *problem.risks(rows)]
        turns = [acquisition.remark(situation, turn) for turn in range(len(rows))]
        remarks += [*turns, budget.remark]
    reason = f"{len(observations)} observations, {len(pending)} pending, {len(pool)} points weighed"
    candidates = _candidates(problem, surrogate, rows)
    remarks += unlikely_specifications(campaign, candidates)
    return Proposal(
        candidates=candidates,
        method=method,
        reason="; ".join(text for text in (reason, *remarks, remark) if text),
        reference_point=reference,
    )


def _situation(
    problem: Problem,
    surrogate: Surrogate,
    reference: Mapping[str, float] | None,
    seed: int,
    first: int,
) -> Situation:
    data = problem.data
    aims = Aims(problem.campaign, surrogate.columns, problem.scales, data.ranges)
    baseline = np.unique(problem.joined(data.X_made, data.computed_made), axis=0)
    return Situation(
        aims=aims,
        surrogate=surrogate,
        baseline=torch.from_numpy(baseline),
        reference=tuple(aims.reference(reference)) if reference else None,
        seed=seed,
        first=first,
    )


def _learnable(data: TrainingData) -> tuple[list[Column], list[str]]:
    """Return the columns with enough rows for a model, and remarks on the others."""
    columns = [column for column in data.columns if len(column.Y) >= LEAST_ROWS]
    left_out = [column.name for column in data.columns if len(column.Y) < LEAST_ROWS]
    return columns, [f"{name} has too few observations and is left out" for name in left_out]


def _methods(acquisition: Acquisition, situation: Situation, n: int) -> str:
    """Return by what `n` picks were chosen, each way once."""
    return "+".join(sorted({acquisition.method(situation, turn) for turn in range(max(1, n))}))


def _territory(problem: Problem, pool: IntArray, rng: np.random.Generator) -> Territory:
    feasible = problem.feasible

    def drawn(n: int) -> Tensor:
        listed = feasible.listed
        if listed is None:
            rows = feasible.sample(n, rng)
        else:
            rows = listed[np.sort(rng.permutation(len(listed))[:n])]
        return torch.from_numpy(problem.rows(rows))

    return Territory(pool=lambda: torch.from_numpy(problem.rows(pool)), draw=drawn)


def _exact_chooser(problem: Problem) -> Callable[[IntArray, int, IntArray], IntArray]:
    """Return a chooser for objectives that are all computed: front after front, best first."""
    aims = Aims(problem.campaign, (), problem.scales, problem.data.ranges)

    def chooser(pool: IntArray, n: int, picked: IntArray) -> IntArray:
        rows = torch.from_numpy(problem.rows(pool))
        utilities = aims.utilities(torch.empty(len(rows), 0), rows).numpy()
        left = list(range(len(pool)))
        chosen: list[int] = []
        while left and len(chosen) < n:
            front = pareto_indices(utilities[left].tolist(), ["maximise"] * aims.n_utilities)
            chosen += [left[place] for place in front]
            gone = set(front)
            left = [row for place, row in enumerate(left) if place not in gone]
        return pool[chosen[:n]]

    return chooser


def _candidates(
    problem: Problem, surrogate: Surrogate | None, rows: IntArray
) -> tuple[Candidate, ...]:
    found: list[Candidate] = []
    learnt: list[dict[str, Prediction]] = [{} for _ in rows]
    far: Sequence[bool | None] = [None for _ in rows]
    if surrogate is not None and len(rows):
        learnt = surrogate.predictions(problem.rows(rows))
        features = problem.encoding.rows(problem.feasible.lattice, rows)
        data = problem.data
        far = are_far(features, data.X_made[data.is_new]) or far
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
