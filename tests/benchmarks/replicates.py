"""What making points again is worth under noise: regret of the point chosen in the end.

Two campaigns a seed, one that never makes a point again and one that does where it is worth more,
on analytic mixtures with reported errors. Regrets are in standard deviations of the objective over
the feasible set: of the made point that the model holds for the best, of the one with the best
reading, and of the best that was made at all. About 10 s a seed on one core.

Run from the repository root:
    python -m tests.benchmarks.replicates --problem hills --noise 0.3 --seeds 16
"""

import argparse
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation, Point
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.planner import planner_for
from orchestrator.optimise.problem import Problem
from orchestrator.optimise.repeatable import one_seeded_thread
from orchestrator.optimise.surrogate import fit_surrogate

N_INITIAL: Final = 8


def smooth(x: NDArray[np.float64]) -> float:
    return float(2 * x[0] * x[1] + 1.5 * x[1] * x[2] - (x[3] - 0.2) ** 2 + 0.5 * x[0])


def peak(x: NDArray[np.float64]) -> float:
    centre = np.array([0.25, 0.45, 0.3])
    return float(np.exp(-np.square(x - centre).sum() / 0.06) + 0.3 * x[0])


def hills(x: NDArray[np.float64]) -> float:
    return float(np.sin(7 * x[0]) * np.cos(5 * x[1]) + 0.8 * x[2] * x[0])


PROBLEMS: Final[Mapping[str, tuple[Callable[[NDArray[np.float64]], float], str, float]]] = {
    "smooth": (smooth, "abcd", 0.05),
    "peak": (peak, "abc", 0.05),
    "hills": (hills, "abc", 0.02),
}


def campaign_for(problem: str, replicates: str) -> CampaignSpec:
    _, names, step = PROBLEMS[problem]
    text = f"""
    campaign.name = "replicates"
    space.composition = {{components = {str(list(names)).replace("'", '"')}, step = {step}}}
    objective = [{{name = "y", direction = "maximise"}}]
    planner = {{n_initial = {N_INITIAL}, settings = {{replicates = "{replicates}"}}}}
    """
    return campaign_from_text(text, file="replicates.toml")


def regrets(problem: str, replicates: str, noise: float, seed: int, n: int) -> list[float]:
    """Return three regrets and the number of repeats after a campaign of `n` experiments."""
    campaign = campaign_for(problem, replicates)
    feasible = FeasibleSet.of(campaign)
    if feasible.listed is None:
        raise ValueError("these problems have sets that are listed whole")
    truth = PROBLEMS[problem][0]

    def value(point: Point) -> float:
        return truth(np.array([float(point[name]) for name in campaign.space.names]))

    whole = np.array([value(feasible.lattice.point(row)) for row in feasible.listed])
    sd = noise * float(whole.std())
    rng = np.random.default_rng([seed, 7])
    told: list[Observation] = []
    while len(told) < n:
        wanted = 1 if told else N_INITIAL
        proposal = planner_for(campaign).propose(
            campaign, told, [], wanted, seed * 1000 + len(told)
        )
        for one in proposal.candidates:
            reading = value(one.point) + sd * float(rng.normal())
            told.append(Observation(point=one.point, values={"y": reading}, sds={"y": sd}))
    data = Problem.of(campaign, told).data
    with one_seeded_thread(0):
        expected = [each["y"].mean for each in fit_surrogate(data.columns).predictions(data.X_made)]
    true = np.array([value(one.point) for one in told])
    readings = [one.values["y"] for one in told]
    chosen = [true[int(np.argmax(expected))], true[int(np.argmax(readings))], true.max()]
    n_repeats = n - len({tuple(one.point.values()) for one in told})
    return [*((whole.max() - each) / whole.std() for each in chosen), n_repeats]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", choices=sorted(PROBLEMS), default="hills")
    parser.add_argument("--noise", type=float, default=0.3)
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--experiments", type=int, default=40)
    given = parser.parse_args()
    found = {
        replicates: np.array(
            [
                regrets(given.problem, replicates, given.noise, seed, given.experiments)
                for seed in range(given.seeds)
            ]
        )
        for replicates in ("never", "when_worth")
    }
    for replicates, rows in found.items():
        model, reading, made, n_repeats = rows.mean(axis=0)
        print(
            f"{replicates}: regret by the model {model:.3f}, by the best reading {reading:.3f}, "
            f"of the best made {made:.3f}; {n_repeats:.1f} repeats"
        )
    gains = found["when_worth"][:, 0] - found["never"][:, 0]
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
    print(f"when_worth minus never, by the model: {gains.mean():+.3f} ± {error:.3f}")


if __name__ == "__main__":
    main()
