"""BoFire through its strategies: SOBO for one objective, MOBO with the thresholds for several.

Told: bounds, the sum, linear constraints (those of one component as bounds), how many components
may be present and the least amount of a present one. Not told: the step, which BoFire ignores on
constrained features.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from ask_lines import Experiment, Inequality, Point, Task, serve

if TYPE_CHECKING:
    from bofire.data_models.domain.api import Domain


def split_inequalities(task: Task) -> tuple[dict[str, list[float]], list[Inequality]]:
    """Return bounds by component, and the inequalities that no bound can stand for."""
    bounds = {name: list(task["bounds"][name]) for name in task["components"]}
    several = []
    for each in task["inequalities"]:
        if len(each["weights"]) > 1:
            several.append(each)
            continue
        ((name, weight),) = each["weights"].items()
        end = each["at_most"] / weight
        low, high = bounds[name]
        bounds[name] = [low, min(high, end)] if weight > 0 else [max(low, end), high]
    return bounds, several


def domain_of(task: Task) -> "Domain":
    """Return inputs, constraints and outputs."""
    from bofire.data_models.constraints.api import (
        LinearEqualityConstraint,
        LinearInequalityConstraint,
        NChooseKConstraint,
    )
    from bofire.data_models.domain.api import Domain
    from bofire.data_models.features.api import (
        CategoricalInput,
        ContinuousInput,
        ContinuousOutput,
        DiscreteInput,
    )
    from bofire.data_models.objectives.api import MaximizeObjective, MinimizeObjective

    names = task["components"]
    bounds, several = split_inequalities(task)
    least = task["min_active_fraction"] if task["max_active"] < len(names) else 0.0
    inputs = []
    for name in names:
        low, high = bounds[name]
        low, may_be_absent = (least, True) if least > low else (low, False)
        inputs.append(ContinuousInput(key=name, bounds=(low, high), allow_zero=may_be_absent))
    for each in task["parameters"]:
        if each["kind"] == "categorical":
            inputs.append(CategoricalInput(key=each["name"], categories=each["values"]))
        else:
            inputs.append(DiscreteInput(key=each["name"], values=each["values"]))
    constraints = []
    if names:
        constraints.append(
            LinearEqualityConstraint(features=names, coefficients=[1.0] * len(names), rhs=1.0)
        )
    for each in several:
        weights = each["weights"]
        constraints.append(
            LinearInequalityConstraint(
                features=list(weights), coefficients=list(weights.values()), rhs=each["at_most"]
            )
        )
    if task["max_active"] < len(names):
        constraints.append(
            NChooseKConstraint(
                features=names, min_count=1, max_count=task["max_active"], none_also_valid=False
            )
        )
    kinds = {"minimise": MinimizeObjective, "maximise": MaximizeObjective}
    outputs = [
        ContinuousOutput(key=each["name"], objective=kinds[each["direction"]](w=1.0))
        for each in task["objectives"]
    ]
    return Domain.from_lists(inputs=inputs, outputs=outputs, constraints=constraints)


class BofirePeer:
    """One strategy an ask."""

    def __init__(self, task: Task) -> None:
        from bofire.data_models.strategies.api import MoboStrategy, SoboStrategy
        from bofire.strategies.api import map as strategy_for

        self._task = task
        self._domain = domain_of(task)
        model: MoboStrategy | SoboStrategy
        if len(task["objectives"]) > 1:
            reference = {each["name"]: each["threshold"] for each in task["objectives"]}
            model = MoboStrategy(domain=self._domain, ref_point=reference, seed=task["seed"])
        else:
            model = SoboStrategy(domain=self._domain, seed=task["seed"])
        self._strategy = strategy_for(model)
        self._told = pd.DataFrame()

    def learn(self, history: Sequence[Experiment]) -> None:
        rows = []
        for each in history:
            valid = {f"valid_{name}": 1 for name in each["values"]}
            rows.append({**each["point"], **each["values"], **valid})
        self._told = pd.DataFrame(rows)

    def ask(self, n: int) -> Sequence[Mapping[str, float | str]]:
        self._strategy.tell(self._told)
        found = self._strategy.ask(n)
        names = [*self._task["components"], *(each["name"] for each in self._task["parameters"])]
        rows: list[Point] = []
        for _, row in found.iterrows():
            values = {name: row[name] for name in names}
            rows.append({n: v if isinstance(v, str) else float(v) for n, v in values.items()})
        return rows


if __name__ == "__main__":
    serve(BofirePeer, ["bofire", "botorch", "gpytorch", "torch"])
