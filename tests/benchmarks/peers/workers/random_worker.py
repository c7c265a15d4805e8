"""Random points: rows of the table if there is one, else of the feasible lattice; none twice."""

from collections.abc import Mapping, Sequence

import numpy as np
from ask_lines import Experiment, Point, Task, serve

from campaigns.loading import campaign_from_text
from orchestrator.optimise.feasible_set import FeasibleSet


class RandomPeer:
    """Draws among what was not made."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._made: list[Point] = []

    def learn(self, history: Sequence[Experiment]) -> None:
        self._made = [each["point"] for each in history]

    def ask(self, n: int) -> Sequence[Mapping[str, float | str]]:
        rng = np.random.default_rng([self._task["seed"], len(self._made)])
        table = self._task["table"]
        if table is None:
            campaign = campaign_from_text(self._task["campaign"], file=self._task["name"])
            feasible = FeasibleSet.of(campaign)
            rows = feasible.sample(n + len(self._made), rng).tolist()
            points = [feasible.lattice.point(row) for row in rows]
        else:
            points = table
        free = [point for point in points if point not in self._made]
        return [free[i] for i in rng.choice(len(free), min(n, len(free)), replace=False)]


if __name__ == "__main__":
    serve(RandomPeer, ["athanor", "numpy"])
