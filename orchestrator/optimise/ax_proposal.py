"""Proposals by Ax; imported only once there is enough to learn from, for Ax takes seconds.

Ax sees safe names (``p0``, ``p1``, ... and ``m0``, ...), because chemical symbols and users' names
may be words of its own expressions.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from ax.adapter.registry import Generators
from ax.adapter.torch import TorchAdapter
from ax.core.arm import Arm
from ax.core.data import Data
from ax.core.experiment import Experiment
from ax.core.metric import Metric
from ax.core.objective import Objective as AxObjective
from ax.core.observation import ObservationFeatures
from ax.core.optimization_config import MultiObjectiveOptimizationConfig, OptimizationConfig
from ax.core.outcome_constraint import OutcomeConstraint
from ax.core.parameter import ChoiceParameter, Parameter, ParameterType, RangeParameter
from ax.core.parameter_constraint import ParameterConstraint
from ax.core.search_space import SearchSpace
from ax.exceptions.core import AxError
from botorch.exceptions.errors import BotorchError
from linear_operator.utils.errors import NanError, NotPSDError

from campaigns.space import CategoricalParameter
from campaigns.space import RangeParameter as RangeSpec
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Candidate, Observation, Point, Prediction
from orchestrator.errors import AthanorError
from orchestrator.optimise.candidates import Taken, choose
from orchestrator.optimise.encoding import Encoding
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.lattice import FloatArray, IntArray
from orchestrator.optimise.planner import Proposal
from orchestrator.optimise.repeatable import one_seeded_thread
from orchestrator.optimise.sobol_planner import points_of
from orchestrator.optimise.training_data import reference_point

__all__ = ["AxFailure", "propose_by_ax"]

_POOL: Final = 4_000
_EFFORT: Final = {"num_restarts": 4, "raw_samples": 128, "options": {"maxiter": 50}}
"""Ax's default is five times as much, for points that are moved to the lattice anyway."""
logging.getLogger("ax").setLevel(logging.WARNING)


class AxFailure(AthanorError):
    """Ax could not fit or propose; nothing was proposed."""


@dataclass(frozen=True, slots=True)
class _Translation:
    """A campaign in Ax's words."""

    campaign: CampaignSpec
    names: Mapping[str, str]
    """Ax's name by component or parameter."""
    metrics: Mapping[str, str]
    """Ax's name by measured objective or outcome."""

    @classmethod
    def of(cls, campaign: CampaignSpec) -> "_Translation":
        names = {name: f"p{i}" for i, name in enumerate(campaign.space.names)}
        metrics = {name: f"m{i}" for i, name in enumerate(campaign.measured_names)}
        return cls(campaign, names, metrics)

    @property
    def signatures(self) -> dict[str, str]:
        """Ax's own second name of each metric: the same."""
        return {metric: metric for metric in self.metrics.values()}

    def parameters(self, point: Point) -> dict[str, str | bool | float | int | None]:
        return {ax_name: point[name] for name, ax_name in self.names.items()}

    def point(self, arm: Arm) -> dict[str, float | str]:
        point: dict[str, float | str] = {}
        for name, ax_name in self.names.items():
            value = arm.parameters[ax_name]
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise AxFailure(f"Ax gave {name} the value {value!r}")
            point[name] = value
        return point

    def search_space(self) -> SearchSpace:
        space = self.campaign.space
        parameters: list[Parameter] = []
        constraints: list[ParameterConstraint] = []
        if space.composition is not None:
            bounds = space.composition.count_bounds
            n = space.composition.n_steps
            for name, (low, high) in zip(space.composition.names, bounds, strict=True):
                parameters.append(_range(self.names[name], low / n, max(high, low + 1) / n))
            total = " + ".join(self.names[name] for name in space.composition.names)
            constraints.append(ParameterConstraint(equality=f"{total} == 1"))
        for parameter in space.parameters:
            ax_name = self.names[parameter.name]
            levels = parameter.levels
            if isinstance(parameter, CategoricalParameter):
                parameters.append(_choice(ax_name, list(parameter.levels), ParameterType.STRING))
            elif isinstance(parameter, RangeSpec) and len(levels) > 1:
                parameters.append(_range(ax_name, float(levels[0]), float(levels[-1])))
            else:
                numbers = [float(level) for level in levels]
                parameters.append(_choice(ax_name, numbers, ParameterType.FLOAT))
        for condition in self.campaign.conditions:
            for inequality in condition.linear_inequalities() or ():
                terms = [
                    f"{float(factor)!r}*{self.names[name]}"
                    for name, factor in inequality.coefficients.items()
                    if factor
                ]
                if terms:
                    text = f"{' + '.join(terms)} <= {float(inequality.bound)!r}"
                    constraints.append(ParameterConstraint(inequality=text))
        return SearchSpace(parameters=parameters, parameter_constraints=constraints)

    def goal(self, reference: Mapping[str, float]) -> OptimizationConfig:
        constraints: list[OutcomeConstraint] = []
        for outcome in self.campaign.measured_outcomes:
            metric = self.metrics[outcome.name]
            for sign, limit in zip((">=", "<="), outcome.limits, strict=True):
                if limit is not None:
                    text = f"{metric} {sign} {float(limit)!r}"
                    constraints.append(_outcome(text, self.signatures))
        parts = [
            f"{'' if one.sign > 0 else '-'}{self.metrics[one.name]}"
            for one in self.campaign.objectives
        ]
        objective = AxObjective(
            expression=", ".join(parts), metric_name_to_signature=self.signatures
        )
        if len(parts) == 1:
            return OptimizationConfig(objective=objective, outcome_constraints=constraints)
        thresholds: list[OutcomeConstraint] = []
        for one in self.campaign.objectives:
            side = ">=" if one.sign > 0 else "<="
            text = f"{self.metrics[one.name]} {side} {reference[one.name]!r}"
            thresholds.append(_outcome(text, self.signatures))
        return MultiObjectiveOptimizationConfig(
            objective=objective, outcome_constraints=constraints, objective_thresholds=thresholds
        )


def _range(name: str, low: float, high: float) -> RangeParameter:
    return RangeParameter(name, ParameterType.FLOAT, lower=low, upper=high)


def _outcome(text: str, signatures: Mapping[str, str]) -> OutcomeConstraint:
    return OutcomeConstraint(text, metric_name_to_signature=signatures, relative=False)


def _choice(name: str, values: Sequence[float | str], kind: ParameterType) -> ChoiceParameter:
    is_ordered = kind is ParameterType.FLOAT
    return ChoiceParameter(
        name, kind, values=list(values), is_ordered=is_ordered, sort_values=is_ordered
    )


def propose_by_ax(
    campaign: CampaignSpec,
    observations: Sequence[Observation],
    pending: Sequence[Point],
    n: int,
    seed: int,
) -> Proposal:
    """Let Ax propose, and take the nearest feasible lattice points; see `Planner.propose`.

    Raises:
        AxFailure: Ax could not fit or propose.
    """
    with one_seeded_thread(seed):
        try:
            return _propose(campaign, observations, pending, n, seed)
        except (AxError, BotorchError, NanError, NotPSDError) as error:
            raise AxFailure(f"Ax failed ({type(error).__name__}: {error})") from error


def _propose(
    campaign: CampaignSpec,
    observations: Sequence[Observation],
    pending: Sequence[Point],
    n: int,
    seed: int,
) -> Proposal:
    translation = _Translation.of(campaign)
    several = len(campaign.objectives) > 1
    reference = reference_point(campaign, observations) if several else {}
    adapter = _adapter(translation, observations, reference)
    waiting = [ObservationFeatures(parameters=translation.parameters(each)) for each in pending]
    run = adapter.gen(
        n=n,
        pending_observations=dict.fromkeys(translation.metrics.values(), waiting),
        model_gen_options={"optimizer_kwargs": dict(_EFFORT)},
    )
    wanted = [translation.point(arm) for arm in run.arms]
    rows, remark = _nearest(campaign, observations, pending, wanted, n, seed)
    points = points_of(FeasibleSet.of(campaign), rows)
    reason = f"{len(observations)} observations, {len(pending)} pending, nearest feasible points"
    return Proposal(
        candidates=_candidates(translation, adapter, points),
        method="ax_botorch_modular",
        reason="; ".join(text for text in (reason, remark) if text),
        reference_point=reference or None,
    )


def _adapter(
    translation: _Translation, observations: Sequence[Observation], reference: Mapping[str, float]
) -> TorchAdapter:
    experiment = Experiment(
        search_space=translation.search_space(),
        optimization_config=translation.goal(reference),
        tracking_metrics=[Metric(name) for name in translation.metrics.values()],
    )
    rows: list[dict[str, object]] = []
    for observation in observations:
        if not observation.values:
            continue
        arm = Arm(parameters=translation.parameters(observation.point))
        trial = experiment.new_trial().add_arm(arm)
        trial.mark_running(no_runner_required=True).mark_completed()
        for name, value in observation.values.items():
            metric = translation.metrics[name]
            rows.append(
                {
                    "trial_index": trial.index,
                    "arm_name": trial.arm.name,
                    "metric_name": metric,
                    "metric_signature": metric,
                    "mean": value,
                    "sem": observation.sds.get(name, math.nan),
                }
            )
    data = Data(df=pd.DataFrame(rows))
    adapter = Generators.BOTORCH_MODULAR(experiment=experiment, data=data)
    if not isinstance(adapter, TorchAdapter):
        raise AxFailure(f"Ax built a {type(adapter).__name__}")
    return adapter


def _nearest(
    campaign: CampaignSpec,
    observations: Sequence[Observation],
    pending: Sequence[Point],
    wanted: Sequence[Point],
    n: int,
    seed: int,
) -> tuple[IntArray, str]:
    """Return the feasible rows nearest to the points that Ax wants, each taken once."""
    feasible = FeasibleSet.of(campaign)
    taken = Taken.of(feasible.lattice, observations, pending)
    encoding = Encoding.of(campaign)
    targets = encoding.points(wanted, is_logarithmic=False)
    pool = feasible.sample(_POOL, np.random.default_rng([seed, len(observations)]))

    def distances(rows: IntArray, target: FloatArray) -> FloatArray:
        features = encoding.rows(feasible.lattice, rows, is_logarithmic=False)
        return np.asarray(((features - target) ** 2).sum(axis=1), dtype=np.float64)

    def chooser(rows: IntArray, count: int, picked: IntArray) -> IntArray:
        chosen = rows[:0]
        for turn in range(min(count, len(rows))):
            target = targets[(len(picked) + turn) % len(targets)]
            best = rows[[int(distances(rows, target).argmin())]]
            before = np.vstack([picked, chosen])
            better = best if feasible.listed is not None else _descended(best, target, before)
            chosen = np.vstack([chosen, better])
            rows = rows[(rows != best).any(axis=1) & (rows != better).any(axis=1)]
        return chosen

    def _descended(row: IntArray, target: FloatArray, before: IntArray) -> IntArray:
        least = float(distances(row, target)[0])
        while True:
            near = feasible.companions.joining(feasible.neighbours(row[0]), before)
            near = taken.unseen(near)
            amounts = distances(near, target)
            if not len(near) or amounts.min() >= least:
                return row
            least = float(amounts.min())
            row = near[[int(amounts.argmin())]]

    rows, remark = choose(feasible, taken, n, pool, chooser)
    return np.unique(rows, axis=0), remark


def _candidates(
    translation: _Translation, adapter: TorchAdapter, points: Sequence[Point]
) -> tuple[Candidate, ...]:
    if not points:
        return ()
    features = [ObservationFeatures(parameters=translation.parameters(each)) for each in points]
    means, covariances = adapter.predict(features)
    found: list[Candidate] = []
    for place, point in enumerate(points):
        predictions = {
            name: Prediction(
                mean=float(means[metric][place]),
                sd=math.sqrt(max(0.0, float(covariances[metric][metric][place]))),
            )
            for name, metric in translation.metrics.items()
            if metric in means
        }
        found.append(Candidate(point=dict(point), predictions=predictions))
    return tuple(found)
