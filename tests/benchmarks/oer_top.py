"""The share of the best compositions of the OER plate that the default planner finds.

Run from the repository root:
    python -m tests.benchmarks.oer_top --seeds 30 --experiments 100 --workers 2

Two aims are told apart. `single`: the overpotential alone, as the literature has it (a pool of all
2121 compositions, the best 1 % of which are sought). `campaign`: overpotential and metal cost, as
our campaign of the same plate has it, judged by the same best 1 % although it also pays for cheap
ones. Batches of four, 8 random initial experiments, noise of 1.1 mV. Each seed's answer is kept
in `--folder` and not computed again; figures go to `results/oer_top.json`.
"""

import argparse
import json
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Final, TypedDict

import numpy as np
import pandas as pd

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.ask_tell import AskTell
from tests.benchmarks.peers.problems import problem
from tests.benchmarks.peers.racing import BATCH, N_INITIAL, commit
from tests.benchmarks.peers.tables import Point
from tests.benchmarks.results import save

AIMS: Final = ("single", "campaign")
SHARE: Final = 0.01
NOISE_SD_V: Final = 0.0011
FOLDER: Final = Path(__file__).parent / "results/oer_top"


class Found(TypedDict):
    """One seed: the experiment at which each top composition was made, seconds of each ask."""

    commit: str
    found: list[int]
    seconds: list[float]


def campaign_for(aim: str, planner: str) -> CampaignSpec:
    """Return the plate's campaign with one aim or both."""
    campaign = campaign_from_text(problem("oer").text, file="oer.toml")
    choice = campaign.planner.model_copy(update={"name": planner})
    update: dict[str, object] = {"planner": choice}
    if aim == "single":
        update |= {"objectives": campaign.objectives[:1], "computed": {}}
    return campaign.model_copy(update=update)


def top_places() -> tuple[list[Point], np.ndarray, set[int]]:
    """Return all compositions, their overpotentials, and the places of the best 1 %."""
    table = problem("oer").table
    assert table is not None
    values = table.outcomes["overpotential_v"]
    top = np.argsort(values, kind="stable")[: int(SHARE * len(values))]
    return table.points, values, {int(place) for place in top}


def one_seed(aim: str, planner: str, seed: int, n: int) -> Found:
    """Run one campaign of `n` experiments."""
    points, values, top = top_places()
    places = {tuple(point.values()): i for i, point in enumerate(points)}
    campaign = campaign_for(aim, planner)
    rng = np.random.default_rng([seed, 23])
    made = [int(i) for i in rng.choice(len(points), N_INITIAL, replace=False)]
    noise = rng.normal(0, NOISE_SD_V, n + BATCH)
    seconds = []
    while len(made) < n:
        lab = AskTell(campaign, seed=seed)
        told = pd.DataFrame([points[i] for i in made])
        told["overpotential_v"] = values[made] + noise[: len(made)]
        lab.tell(told)
        begun = time.process_time()
        asked = lab.ask(min(BATCH, n - len(made)))
        seconds.append(round(time.process_time() - begun, 3))
        names = list(campaign.space.names)
        made += [places[tuple(row)] for row in asked[names].itertuples(index=False, name=None)]
    first = {place: number for number, place in reversed(list(enumerate(made, 1)))}
    found = sorted(number for place, number in first.items() if place in top)
    return {"commit": commit(), "found": found, "seconds": seconds}


def kept(path: Path, aim: str, planner: str, seed: int, n: int) -> Found:
    """Return one seed's answer, computed only if it is not there."""
    if not path.exists():
        answer = one_seed(aim, planner, seed, n)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(answer) + "\n", encoding="utf-8")
        part.replace(path)
    found: Found = json.loads(path.read_text(encoding="utf-8"))
    return found


def summary(answers: list[Found], n: int) -> list[str]:
    """Return mean share found and median experiments to the first, as texts."""
    top = len(top_places()[2])
    shares = [len(each["found"]) / top for each in answers]
    firsts = [each["found"][0] if each["found"] else n + 1 for each in answers]
    return [
        str(len(answers)),
        f"{statistics.mean(shares):.3f}",
        f"{min(shares):.2f}-{max(shares):.2f}",
        f"{statistics.median(firsts):g}",
        str(max(firsts)),
        f"{statistics.median(s for each in answers for s in each['seconds']):.2f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--experiments", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--aim", nargs="+", choices=AIMS, default=list(AIMS))
    parser.add_argument("--planner", default="botorch")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    n = given.experiments
    answers: dict[str, dict[int, Found]] = {aim: {} for aim in given.aim}
    with ProcessPoolExecutor(given.workers) as pool:
        futures = {}
        for seed in range(given.seeds):
            for aim in given.aim:
                path = given.folder / f"{given.planner}-{aim}-{n}" / f"{seed}.json"
                futures[pool.submit(kept, path, aim, given.planner, seed, n)] = (aim, seed)
        for future in as_completed(futures):
            aim, seed = futures[future]
            answers[aim][seed] = future.result()
            print(f"{aim} {seed}: {answers[aim][seed]['found']}", flush=True)
    commits = sorted({each["commit"] for found in answers.values() for each in found.values()})
    save(
        "oer_top",
        "The best 1 % of the OER plate",
        f"Planner {given.planner} at commit {', '.join(commits)}; {n} experiments in batches of "
        f"{BATCH}, {N_INITIAL} random initial ones counted. `single`: overpotential alone, as in "
        "the literature; `campaign`: overpotential and metal cost, as our campaign has it, judged "
        f"by the same {len(top_places()[2])} compositions. Bars: share 0.75, first within 18.",
        ["aim", "seeds", "mean share", "range", "median to first", "longest", "seconds an ask"],
        [[aim, *summary(list(found.values()), n)] for aim, found in answers.items()],
    )


if __name__ == "__main__":
    main()
