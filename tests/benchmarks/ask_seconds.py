"""How long one ask of the default planner takes, on one thread.

Run from the repository root:
    python -m tests.benchmarks.ask_seconds --observations 100 --batch 4
"""

import argparse
import time
from pathlib import Path

import numpy as np

from campaigns.loading import campaign_from_text
from orchestrator.core.point import Observation
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.planner import planner_for
from simulators.worlds.oer_plate import OerPlate

LIBRARY = Path(__file__).parents[2] / "campaigns/library"
ALLOY = """
[campaign]
name = "alloy"
[space.composition]
elements = ["Al", "Cu", "Li", "Mg", "Zn", "Zr"]
bounds = { Al = [0.85, 0.98], Li = [0.0, 0.025] }
max_active = 5
min_active_fraction = 0.002
step = 0.0005
[[space.parameter]]
name = "ageing_temperature_c"
kind = "range"
low = 120
high = 200
step = 5
[[constraint]]
expression = "Cu + Mg <= 0.07"
[[constraint]]
expression = "density_g_per_cm3 <= 2.85"
[computed]
density_g_per_cm3 = "1 / (Al/2.70 + Cu/8.96 + Li/0.534 + Mg/1.74 + Zn/7.14 + Zr/6.52)"
[[objective]]
name = "yield_strength_mpa"
direction = "maximise"
[[objective]]
name = "density_g_per_cm3"
direction = "minimise"
[[outcome]]
name = "elongation_fraction"
at_least = 0.08
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--observations", type=int, default=100)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    plate = (LIBRARY / "oer/oer_plate.toml").read_text(encoding="utf-8")
    for name, text in (("oer plate", plate), ("alloy", ALLOY)):
        campaign = campaign_from_text(text, file=name)
        start = time.perf_counter()
        feasible = FeasibleSet.of(campaign)
        first = time.perf_counter() - start
        rows = feasible.sample(given.observations, rng)
        observations: list[Observation] = []
        for row in rows.tolist():
            point = feasible.lattice.point(row)
            if name == "alloy":
                strength = 200 + 4000 * float(point["Cu"]) + 3000 * float(point["Mg"])
                strain = 0.2 - 2 * float(point["Cu"])
                values = {
                    "yield_strength_mpa": strength + rng.normal(0, 5),
                    "elongation_fraction": strain + rng.normal(0, 0.005),
                }
            else:
                fractions = {each: float(value) for each, value in point.items()}
                values = OerPlate().outcomes(fractions, rng)
            observations.append(Observation(point=point, values=values))
        planner = planner_for(campaign)
        planner.propose(campaign, observations[:20], [], 1, 0)
        seconds: list[float] = []
        for seed in range(given.repeats):
            start = time.perf_counter()
            proposal = planner.propose(campaign, observations, [], given.batch, seed)
            seconds.append(time.perf_counter() - start)
        print(
            f"{name}: feasible set {first:.2f} s; {given.observations} observations, "
            f"q = {given.batch}: {', '.join(f'{each:.2f}' for each in seconds)} s; "
            f"{proposal.reason}",
            flush=True,
        )


if __name__ == "__main__":
    main()
