"""Asks over random definitions, each answer judged by independent code.

Run from the repository root:
    python -m tests.benchmarks.random_definitions --start 1000 --model 150 --workers 4
"""

import argparse
import json
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from campaigns.errors import NoFeasiblePoint
from campaigns.loading import campaign_from_text
from orchestrator.ask_tell import AskTell
from tests.support.random_definitions import Definition, random_definition
from tests.support.refusals import verdict

_N_ASKED = 4
_N_TOLD = 10


@dataclass(frozen=True)
class Outcome:
    """What became of one definition."""

    seed: int
    phase: str
    seconds: float
    """Of the ask, the search for feasible points included in the start phase."""
    wrong: tuple[str, ...] = ()
    refusal: str = ""
    """Verdict on the refusal; empty if there was none."""
    reason: str = ""


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


def complaints(
    definition: Definition, asker: AskTell, rows: pd.DataFrame, n: int, pending: pd.DataFrame | None
) -> list[str]:
    """Return everything wrong with one answer."""
    wrong = [each for row in rows.to_dict("records") for each in definition.complaints(row)]
    names = list(asker.campaign.space.names)
    keys = [tuple(row) for row in rows[names].to_numpy().tolist()]
    waiting = [] if pending is None else [tuple(r) for r in pending[names].to_numpy().tolist()]
    if len(set(keys)) < len(keys) or set(keys) & set(waiting):
        wrong.append("a row is repeated or pending")
    n_points = asker.feasible.n_points
    if len(rows) < n and (n_points is None or n_points >= n + len(waiting)):
        wrong.append(f"{len(rows)} rows of {n}")
    return wrong


def violations(definition: Definition, seed: int, asks: int, sizes: tuple[int, ...]) -> list[str]:
    """Return everything wrong with a run of asks and tells, each ask with points in flight."""
    rng = np.random.default_rng(seed)
    asker = AskTell(campaign_from_text(definition.text, file=f"definition {seed}"), seed=seed)
    wrong: list[str] = []
    pending: pd.DataFrame | None = None
    for turn in range(asks):
        n = int(rng.choice(sizes))
        rows = asker.ask(n, pending=pending)
        wrong += [f"ask {turn}: {each}" for each in complaints(definition, asker, rows, n, pending)]
        if pending is not None and len(pending):
            asker.tell(told(pending, asker, rng))
        pending = rows
    return wrong


def outcome(phase: str, seed: int) -> Outcome:
    """Ask one definition once, in the start phase or with a model."""
    definition = random_definition(seed)
    campaign = campaign_from_text(definition.text, file=f"definition {seed}")
    start = time.perf_counter()
    try:
        asker = AskTell(campaign, seed=seed)
    except NoFeasiblePoint as error:
        seconds = time.perf_counter() - start
        reason = "; ".join(error.reasons)
        return Outcome(seed, phase, seconds, (), verdict(definition, reason), reason)
    if phase == "model":
        rng = np.random.default_rng(seed)
        asker.tell(told(asker.ask(_N_TOLD), asker, rng).assign(failed=False))
        start = time.perf_counter()
    rows = asker.ask(_N_ASKED)
    seconds = time.perf_counter() - start
    return Outcome(seed, phase, seconds, tuple(complaints(definition, asker, rows, _N_ASKED, None)))


def summary(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Return the figures of one phase."""
    asked = [each for each in outcomes if not each.refusal]
    refused = [each for each in outcomes if each.refusal]
    slowest = max(asked, key=lambda each: each.seconds, default=None)
    return {
        "definitions": len(outcomes),
        "asked": len(asked),
        "violations": sum(len(each.wrong) for each in asked),
        "violating": [asdict(each) for each in asked if each.wrong],
        "refused": len(refused),
        "refusals": dict(Counter(each.refusal for each in refused)),
        "doubtful": [asdict(each) for each in refused if each.refusal != "true"],
        "slowest_ask_s": None if slowest is None else round(slowest.seconds, 2),
        "slowest_seed": None if slowest is None else slowest.seed,
        "median_ask_s": round(float(np.median([each.seconds for each in asked])), 3),
        "slowest_refusal_s": round(max((each.seconds for each in refused), default=0.0), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=int, default=1000, help="definitions without observations")
    parser.add_argument("--model", type=int, default=150, help="definitions asked with a model")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    began = time.perf_counter()
    phases = {"start": given.start, "model": given.model}
    found: dict[str, object] = {}
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.workers, mp_context=spawning) as pool:
        for phase, n in phases.items():
            if n:
                seeds = range(given.first, given.first + n)
                outcomes = list(pool.map(outcome, [phase] * n, seeds, chunksize=4))
                found[phase] = summary(outcomes)
    found["seconds"] = round(time.perf_counter() - began)
    found["workers"] = given.workers
    found["load"] = round(os.getloadavg()[0], 1)
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for phase in phases:
        print(phase, found.get(phase, "left out"))
    print(f"{found['seconds']} s, {given.workers} workers, load {found['load']}")


if __name__ == "__main__":
    main()
