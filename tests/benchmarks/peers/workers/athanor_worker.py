"""Athanor by hand: everything told, then asked, through `orchestrator.ask_tell`.

The argument names the planner: `botorch` or `sobol`. Run from the repository root.
"""

import sys
from collections.abc import Mapping, Sequence

import pandas as pd
from ask_lines import Experiment, Task, serve

from campaigns.loading import campaign_from_text
from orchestrator.ask_tell import AskTell


class AthanorPeer:
    """One campaign by hand an ask; computed objectives are not told."""

    def __init__(self, task: Task) -> None:
        campaign = campaign_from_text(task["campaign"], file=task["name"])
        choice = campaign.planner.model_copy(update={"name": sys.argv[1]})
        self._lab = AskTell(campaign.model_copy(update={"planner": choice}), seed=task["seed"])

    def learn(self, history: Sequence[Experiment]) -> None:
        computed = self._lab.campaign.computed
        rows = [
            {**e["point"], **{n: v for n, v in e["values"].items() if n not in computed}}
            for e in history
        ]
        self._lab.tell(pd.DataFrame(rows))

    def ask(self, n: int) -> Sequence[Mapping[str, float | str]]:
        space = self._lab.campaign.space
        return [
            {name: row[name] for name in space.names}
            for row in self._lab.ask(n).to_dict(orient="records")
        ]


if __name__ == "__main__":
    serve(AthanorPeer, ["athanor", "botorch", "gpytorch", "torch"])
