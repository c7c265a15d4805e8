"""Ax through its `Client`: the last component dropped, its bounds as inequalities.

Not told, because the client has no word for it: the step, the number of present components, the
least amount of a present one. Points are made anew as custom trials for every ask, since what was
made may differ from what was asked.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ask_lines import Experiment, Point, Task, serve

if TYPE_CHECKING:
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig


class AxPeer:
    """One client an ask; names are `p0`, `p1`, ... and `y0`, `y1`, ... inside."""

    def __init__(self, task: Task) -> None:
        from ax.api.client import Client

        self._task = task
        self._free = task["components"][:-1]
        self._inside = {name: f"p{i}" for i, name in enumerate(self._free)}
        self._inside |= {each["name"]: f"q{i}" for i, each in enumerate(task["parameters"])}
        self._client: Client = Client(random_seed=task["seed"])
        self._client.configure_experiment(
            parameters=self._parameters(), parameter_constraints=self._constraints()
        )
        signs = ["-" if o["direction"] == "minimise" else "" for o in task["objectives"]]
        several = len(signs) > 1
        self._client.configure_optimization(
            objective=", ".join(f"{sign}y{i}" for i, sign in enumerate(signs)),
            outcome_constraints=[
                f"y{i} {'<=' if signs[i] else '>='} {each['threshold']}"
                for i, each in enumerate(task["objectives"])
            ]
            if several
            else None,
        )

    def _parameters(self) -> "list[RangeParameterConfig | ChoiceParameterConfig]":
        from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

        found: list[RangeParameterConfig | ChoiceParameterConfig] = []
        for name in self._free:
            low, high = self._task["bounds"][name]
            found.append(
                RangeParameterConfig(
                    name=self._inside[name], bounds=(low, high), parameter_type="float"
                )
            )
        for each in self._task["parameters"]:
            ordered = each["kind"] != "categorical"
            found.append(
                ChoiceParameterConfig(
                    name=self._inside[each["name"]],
                    values=each["values"],
                    parameter_type="float" if ordered else "str",
                    is_ordered=ordered,
                )
            )
        return found

    def _constraints(self) -> list[str]:
        if not self._free:
            return []
        last = self._task["components"][-1]
        low, high = self._task["bounds"][last]
        total = " + ".join(self._inside[name] for name in self._free)
        found = [f"{total} <= {1 - low}"]
        if high < 1:
            found.append(f"{total} >= {1 - high}")
        for each in self._task["inequalities"]:
            of_last = each["weights"].get(last, 0.0)
            weights = {name: each["weights"].get(name, 0.0) - of_last for name in self._free}
            terms = [f"{w} * {self._inside[name]}" for name, w in weights.items() if w]
            found.append(f"{' + '.join(terms)} <= {each['at_most'] - of_last}")
        return found

    def learn(self, history: Sequence[Experiment]) -> None:
        for experiment in history:
            point = {mine: experiment["point"][name] for name, mine in self._inside.items()}
            index = self._client.attach_trial(parameters=point)
            values = {
                f"y{i}": experiment["values"][each["name"]]
                for i, each in enumerate(self._task["objectives"])
            }
            self._client.complete_trial(trial_index=index, raw_data=values)
        self._client.configure_generation_strategy(
            method="fast",
            initialization_budget=len(history),
            initialization_random_seed=self._task["seed"],
            initialize_with_center=False,
        )

    def ask(self, n: int) -> Sequence[Mapping[str, float | str]]:
        trials: list[Mapping[str, object]] = []
        while len(trials) < n:  # the first call after attached trials gives one only
            trials += self._client.get_next_trials(max_trials=n - len(trials)).values()
        rows: list[Point] = []
        for found in trials:
            row: Point = {}
            for name, mine in self._inside.items():
                value = found[mine]
                row[name] = value if isinstance(value, str) else float(value)
            if self._task["components"]:
                last = self._task["components"][-1]
                row[last] = 1.0 - sum(float(row[name]) for name in self._free)
            rows.append({name: row[name] for name in self._names})
        return rows

    @property
    def _names(self) -> list[str]:
        return [*self._task["components"], *(each["name"] for each in self._task["parameters"])]


if __name__ == "__main__":
    serve(AxPeer, ["ax-platform", "botorch", "gpytorch", "torch"])
