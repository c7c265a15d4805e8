"""Asks over random definitions, each answer judged by independent code; counts violations.

Run from the repository root:
    python -m tests.benchmarks.ask_tell_definitions --definitions 30 --asks 10
"""

import argparse
import time

import numpy as np
import pandas as pd

from campaigns.loading import campaign_from_text
from orchestrator.ask_tell import AskTell
from tests.support.random_definitions import Definition, random_definition


def told(rows: pd.DataFrame, asker: AskTell, rng: np.random.Generator) -> pd.DataFrame:
    """Return asked rows with invented outcomes, some missing, some failed, some off the grid."""
    frame = rows.copy()
    components = list(asker.campaign.space.components)
    if components:
        noisy = frame[components].to_numpy() * rng.normal(1, 0.003, size=(len(frame), 1))
        frame[components] = noisy
    for name in asker.campaign.measured_names:
        frame[name] = rng.normal(100 if name.endswith("mpa") else 0.2, 0.1, size=len(frame))
        frame.loc[rng.random(len(frame)) < 0.1, name] = np.nan
    frame["failed"] = rng.random(len(frame)) < 0.1
    return frame


def violations(definition: Definition, seed: int, asks: int, sizes: tuple[int, ...]) -> list[str]:
    """Return everything wrong with a run of asks and tells."""
    rng = np.random.default_rng(seed)
    asker = AskTell(campaign_from_text(definition.text, file=f"definition {seed}"), seed=seed)
    wrong: list[str] = []
    pending: pd.DataFrame | None = None
    for turn in range(asks):
        n = int(rng.choice(sizes))
        rows = asker.ask(n, pending=pending)
        for row in rows.to_dict("records"):
            wrong += [f"ask {turn}: {each}" for each in definition.complaints(row)]
        names = list(asker.campaign.space.names)
        keys = [tuple(row) for row in rows[names].to_numpy().tolist()]
        waiting = [] if pending is None else [tuple(r) for r in pending[names].to_numpy().tolist()]
        if len(set(keys)) < len(keys) or set(keys) & set(waiting):
            wrong.append(f"ask {turn}: a row is repeated or pending")
        feasible = asker.feasible
        if len(rows) < n and (feasible.n_points is None or feasible.n_points >= n + len(waiting)):
            wrong.append(f"ask {turn}: {len(rows)} rows of {n}")
        if pending is not None and len(pending):
            asker.tell(told(pending, asker, rng))
        pending = rows
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--definitions", type=int, default=30)
    parser.add_argument("--asks", type=int, default=10)
    given = parser.parse_args()
    total = asked = 0
    for seed in range(given.definitions):
        start = time.perf_counter()
        definition = random_definition(seed)
        wrong = violations(definition, seed, given.asks, (1, 2, 4))
        total += len(wrong)
        asked += given.asks
        print(f"definition {seed}: {time.perf_counter() - start:.1f} s {wrong[:3]}", flush=True)
    print(f"{asked} asks over {given.definitions} definitions: {total} violations")


if __name__ == "__main__":
    main()
