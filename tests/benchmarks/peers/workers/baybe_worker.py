"""BayBE through its `Campaign`.

A table problem is given as the table itself, which BayBE searches whole and without repeats; any
other as a continuous simplex with its linear constraints and, where few components may be
present, a cardinality constraint. Not told: the step and the least amount of a present component
of a continuous one.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ask_lines import Experiment, Point, Task, serve

if TYPE_CHECKING:
    from baybe.objectives.base import Objective
    from baybe.searchspace import SearchSpace


def table_space(task: Task) -> "SearchSpace":
    """Return the search space that holds the table's rows and no others."""
    from baybe.parameters import CategoricalParameter, NumericalDiscreteParameter
    from baybe.searchspace import SearchSpace

    frame = pd.DataFrame(task["table"])
    categories = {p["name"]: p["values"] for p in task["parameters"] if p["kind"] == "categorical"}
    parameters: list[CategoricalParameter | NumericalDiscreteParameter] = []
    for name in frame.columns:
        if name in categories:
            parameters.append(CategoricalParameter(name=name, values=categories[name]))
        else:
            levels = sorted({float(value) for value in frame[name]})
            parameters.append(NumericalDiscreteParameter(name=name, values=levels))
    return SearchSpace.from_dataframe(frame, parameters)


def continuous_space(task: Task) -> "SearchSpace":
    """Return the simplex with its linear and cardinality constraints."""
    from baybe.constraints import ContinuousCardinalityConstraint, ContinuousLinearConstraint
    from baybe.parameters import NumericalContinuousParameter
    from baybe.searchspace import SearchSpace

    names = task["components"]
    constraints: list[ContinuousLinearConstraint | ContinuousCardinalityConstraint] = [
        ContinuousLinearConstraint(
            parameters=names, operator="=", coefficients=[1.0] * len(names), rhs=1.0
        )
    ]
    for each in task["inequalities"]:
        constraints.append(
            ContinuousLinearConstraint(
                parameters=list(each["weights"]),
                operator="<=",
                coefficients=list(each["weights"].values()),
                rhs=each["at_most"],
            )
        )
    if task["max_active"] < len(names):
        constraints.append(
            ContinuousCardinalityConstraint(
                parameters=names, min_cardinality=1, max_cardinality=task["max_active"]
            )
        )
    return SearchSpace.from_product(
        [
            NumericalContinuousParameter(name=name, bounds=tuple(task["bounds"][name]))
            for name in names
        ],
        constraints,
    )


def objective_of(task: Task) -> "Objective":
    """Return one target, or a Pareto objective of several."""
    from baybe.objectives import ParetoObjective, SingleTargetObjective
    from baybe.targets import NumericalTarget

    targets = [
        NumericalTarget(name=each["name"], minimize=each["direction"] == "minimise")
        for each in task["objectives"]
    ]
    return SingleTargetObjective(targets[0]) if len(targets) == 1 else ParetoObjective(targets)


class BaybePeer:
    """One campaign an ask, with the thresholds as reference point."""

    def __init__(self, task: Task) -> None:
        from baybe import Campaign
        from baybe.acquisition import qLogNEHVI
        from baybe.recommenders import BotorchRecommender
        from baybe.settings import Settings

        Settings(random_seed=task["seed"]).activate()
        self._task = task
        listed = task["table"] is not None
        space = table_space(task) if listed else continuous_space(task)
        signs = [-1.0 if o["direction"] == "minimise" else 1.0 for o in task["objectives"]]
        reference = [
            sign * each["threshold"] for sign, each in zip(signs, task["objectives"], strict=True)
        ]
        acquisition = qLogNEHVI(reference_point=reference) if len(signs) > 1 else None
        options = {"allow_recommending_already_measured": False} if listed else {}
        self._campaign: Campaign = Campaign(
            space,
            objective_of(task),
            BotorchRecommender(acquisition_function=acquisition),
            **options,
        )

    def learn(self, history: Sequence[Experiment]) -> None:
        np.random.seed(self._task["seed"] + len(history))
        frame = pd.DataFrame([{**each["point"], **each["values"]} for each in history])
        self._campaign.add_measurements(frame)

    def ask(self, n: int) -> Sequence[Mapping[str, float | str]]:
        found = self._campaign.recommend(batch_size=n)
        names = [*self._task["components"], *(each["name"] for each in self._task["parameters"])]
        rows: list[Point] = []
        for _, row in found.iterrows():
            values = {name: row[name] for name in names}
            rows.append({n: v if isinstance(v, str) else float(v) for n, v in values.items()})
        return rows


if __name__ == "__main__":
    serve(BaybePeer, ["baybe", "botorch", "gpytorch", "torch"])
