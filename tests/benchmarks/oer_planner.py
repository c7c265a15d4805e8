"""How many experiments a planner needs on the measured OER plate, without a bench.

Run from the repository root:
    python -m tests.benchmarks.oer_planner --seeds 10 --experiments 60 --in-flight 2

Each experiment makes the asked composition with small dosing errors, and reads the plate's value
with noise. A seed succeeds when a composition whose plate value is in the best 1 % was made.
"""

import argparse
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.front import hypervolume
from orchestrator.core.point import Observation
from orchestrator.optimise.planner import planner_for
from orchestrator.optimise.training_data import reference_point
from simulators.worlds.oer_plate import OerPlate

ROOT = Path(__file__).parents[2]
TOP = 0.3477
DOSING_SD = 0.005


def made(point: Mapping[str, float | str], rng: np.random.Generator) -> dict[str, float | str]:
    amounts = {name: float(value) * rng.normal(1, DOSING_SD) for name, value in point.items()}
    total = sum(amounts.values())
    return {name: amount / total for name, amount in amounts.items()}


def one_seed(
    campaign: CampaignSpec, seed: int, n: int, in_flight: int, *, stop_at_top: bool
) -> tuple[int | None, list[float], float]:
    """Return the experiment that found a top composition, seconds of each ask, hypervolume."""
    world, rng = OerPlate(), np.random.default_rng(1000 + seed)
    planner = planner_for(campaign)
    observations: list[Observation] = []
    pending: list[dict[str, float | str]] = []
    seconds: list[float] = []
    found: int | None = None
    while len(observations) < n:
        while len(pending) < in_flight:
            start = time.perf_counter()
            proposal = planner.propose(
                campaign, observations, pending, 1, 1000 * seed + len(observations) + len(pending)
            )
            seconds.append(time.perf_counter() - start)
            pending.append(dict(proposal.candidates[0].point))
        point = made(pending.pop(0), rng)
        fractions = {name: float(value) for name, value in point.items()}
        true = world.true_outcomes(fractions)["overpotential_v"]
        noisy = world.outcomes(fractions, rng)["overpotential_v"] + rng.normal(0, 0.0005)
        observations.append(Observation(point=point, values={"overpotential_v": noisy}))
        if true <= TOP and found is None:
            found = len(observations)
            if stop_at_top:
                break
    reference = reference_point(campaign, observations)
    rows = [
        [
            ({**o.values, **campaign.computed_values(o.point)})[each.name]
            for each in campaign.objectives
        ]
        for o in observations
    ]
    directions = [each.direction for each in campaign.objectives]
    volume = hypervolume(rows, directions, [reference[each.name] for each in campaign.objectives])
    return found, seconds, volume


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--experiments", type=int, default=60)
    parser.add_argument("--in-flight", type=int, default=2)
    parser.add_argument("--planner", default="botorch")
    parser.add_argument("--single", action="store_true", help="overpotential alone")
    parser.add_argument("--to-the-end", action="store_true", help="go on after success")
    parser.add_argument("--file", default=str(ROOT / "campaigns/library/oer/oer_plate.toml"))
    given = parser.parse_args()
    text = Path(given.file).read_text(encoding="utf-8")
    campaign = campaign_from_text(text, file=given.file)
    choice = campaign.planner.model_copy(update={"name": given.planner, "settings": {}})
    update: dict[str, object] = {"planner": choice}
    if given.single:
        update |= {"objectives": campaign.objectives[:1], "computed": {}}
    campaign = campaign.model_copy(update=update)
    results: list[int | None] = []
    for seed in range(given.first, given.first + given.seeds):
        found, seconds, volume = one_seed(
            campaign, seed, given.experiments, given.in_flight, stop_at_top=not given.to_the_end
        )
        results.append(found)
        print(
            f"seed {seed}: found after {found}, hypervolume {volume:.4f}, "
            f"median ask {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s, "
            f"sum {sum(seconds):.0f} s",
            flush=True,
        )
    counted = [given.experiments + 1 if each is None else each for each in results]
    done = sum(each is not None for each in results)
    print(f"{given.planner}: {done} of {given.seeds} seeds, median {statistics.median(counted)}")


if __name__ == "__main__":
    main()
