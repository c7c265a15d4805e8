"""Each acquisition by name against random choice, on its own purpose, paired in one run.

Run from the repository root:
    python -m tests.benchmarks.acquisitions --seeds 5

Every seed gives all of them the same initial design, the same noise for the same point, and 30
experiments. Those that seek value are judged by the best true value made (of the point that the
model recommends, for the knowledge gradient), or by the hypervolume of true values; those that seek
knowledge by the error of the models on points that nobody made. Differences are against random
choice with the same seed; "beats" means that the mean difference is above 0 in 90 % of 2,000
bootstrap samples, "by far" in 99 %.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from scipy.stats import norm

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.front import hypervolume
from orchestrator.core.point import Observation
from orchestrator.optimise.feasible_set import FeasibleSet
from orchestrator.optimise.planner import planner_for
from orchestrator.optimise.problem import Problem
from orchestrator.optimise.repeatable import one_seeded_thread
from orchestrator.optimise.surrogate import fit_surrogate
from simulators.worlds.nimo_liquidus import CuMgZnLiquidus
from simulators.worlds.oer_plate import OerPlate

ROOT = Path(__file__).parents[2]
Truth = Callable[[Mapping[str, float]], dict[str, float]]
RANDOM = "random"
OF_ONE = ("log_ei", "log_nei", "ucb", "knowledge_gradient", "thompson")
OF_SEVERAL = ("log_nehvi", "nparego", "ucb", "thompson")
LEARNERS = ("uncertainty", "query_by_committee", "expected_model_change", "integrated_variance")

MIXTURE = """
[campaign]
name = "mixture"
[space.composition]
components = ["a", "b", "c", "d"]
step = 0.05
"""
TERNARY = MIXTURE.replace(', "d"', "").replace("0.05", "0.04")

LIQUIDUS = TERNARY.replace('"a", "b", "c"', '"Cu", "Mg", "Zn"')


@dataclass(frozen=True)
class World:
    name: str
    text: str
    truth: Truth
    noise_sd: float
    directions: Mapping[str, str] = field(default_factory=lambda: {"y": "maximise"})
    reference: Sequence[float] = ()

    def campaign(self, acquisition: str, n_initial: int) -> CampaignSpec:
        goals = "".join(
            f'[[objective]]\nname = "{name}"\ndirection = "{direction}"\n'
            for name, direction in self.directions.items()
        )
        named = "automatic" if acquisition == RANDOM else acquisition
        planner = (
            f'[planner]\nn_initial = {n_initial}\n[planner.settings]\nacquisition = "{named}"\n'
        )
        return campaign_from_text(self.text + goals + planner, file=self.name)


def hill(point: Mapping[str, float]) -> dict[str, float]:
    """Return a hill on a wavy slope; the best is about 1.35."""
    x = np.array([point[name] for name in "abcd"])
    top = np.exp(-12 * np.square(x - [0.35, 0.15, 0.4, 0.1]).sum())
    return {"y": float(top + 0.35 * np.sin(6 * x[0] + 3 * x[1]) + 0.3 * x[2] * (1 - x[3]))}


def ripple(point: Mapping[str, float]) -> dict[str, float]:
    """Return waves over three components, faster where there is much of the third."""
    a, b, c = (point[name] for name in "abc")
    return {"y": float(np.sin(8 * a) + 1.2 * np.cos(7 * b) * c)}


def two_peaks(point: Mapping[str, float]) -> dict[str, float]:
    x = np.array([point[name] for name in "abcd"])
    first = np.exp(-6 * np.square(x - [0.6, 0.1, 0.2, 0.1]).sum())
    second = np.exp(-6 * np.square(x - [0.1, 0.2, 0.1, 0.6]).sum())
    return {"y": float(first), "z": float(second + 0.3 * x[1])}


def plate(point: Mapping[str, float]) -> dict[str, float]:
    return {"y": 1000 * oer_plate().true_outcomes(point)["overpotential_v"]}


def liquidus(point: Mapping[str, float]) -> dict[str, float]:
    return {"y": cu_mg_zn().true_outcomes(point)["liquidus_k"]}


@cache
def cu_mg_zn() -> CuMgZnLiquidus:
    return CuMgZnLiquidus()


@cache
def oer_plate() -> OerPlate:
    return OerPlate()


def plate_text() -> str:
    given = campaign_from_text(
        (ROOT / "campaigns/library/oer/oer_plate.toml").read_text(encoding="utf-8"), file="plate"
    )
    composition = given.space.composition
    assert composition is not None
    names = ", ".join(f'"{name}"' for name in composition.names)
    return (
        f'[campaign]\nname = "plate"\n[space.composition]\ncomponents = [{names}]\n'
        f"step = 0.1\nmax_active = {composition.max_active}\n"
    )


def worlds() -> dict[str, World]:
    found = [
        World("hill", MIXTURE, hill, 0.02),
        World("ripple", TERNARY, ripple, 0.03),
        World(
            "two_peaks", MIXTURE, two_peaks, 0.02, {"y": "maximise", "z": "maximise"}, (0.0, 0.0)
        ),
        World("liquidus", LIQUIDUS, liquidus, 1.0),
        World("plate", plate_text(), plate, 1.1, {"y": "minimise"}),
    ]
    return {world.name: world for world in found}


PLAN = (
    ("value", "hill", OF_ONE),
    ("value", "plate", OF_ONE),
    ("value", "two_peaks", OF_SEVERAL),
    ("knowledge", "ripple", LEARNERS),
    ("knowledge", "liquidus", LEARNERS),
)


@dataclass(frozen=True)
class Outcome:
    figures: Mapping[str, float]
    """By name, larger is better."""
    seconds: float
    """Mean of an ask by a model."""


def one_course(purpose: str, name: str, acquisition: str, seed: int, n: int, batch: int) -> Outcome:
    """Return what one seed of one acquisition reached."""
    world, n_initial = worlds()[name], 8
    campaign = world.campaign(acquisition, n_initial)
    planner, feasible = planner_for(campaign), FeasibleSet.of(campaign)
    rng = np.random.default_rng([seed, len(acquisition) if acquisition == RANDOM else 0])
    observations: list[Observation] = []
    seconds: list[float] = []
    while len(observations) < n:
        q = n_initial if not observations else min(batch, n - len(observations))
        if observations and acquisition == RANDOM:
            points = random_points(feasible, observations, q, rng)
        else:
            start = time.perf_counter()
            proposal = planner.propose(
                campaign, observations, [], q, 1000 * seed + len(observations)
            )
            if observations:
                seconds.append(time.perf_counter() - start)
            points = [dict(each.point) for each in proposal.candidates]
        observations += [measured(world, point, seed) for point in points]
    figures = (
        value_figures(world, campaign, observations, seed)
        if purpose == "value"
        else knowledge_figures(world, campaign, observations, seed)
    )
    return Outcome(figures, float(np.mean(seconds)) if seconds else 0.0)


def random_points(
    feasible: FeasibleSet, observations: Sequence[Observation], q: int, rng: np.random.Generator
) -> list[dict[str, float | str]]:
    assert feasible.listed is not None
    known = {tuple(each.point.values()) for each in observations}
    found: list[dict[str, float | str]] = []
    for place in rng.permutation(len(feasible.listed)):
        point = dict(feasible.lattice.point(feasible.listed[place].tolist()))
        if tuple(point.values()) not in known and len(found) < q:
            found.append(point)
    return found


def measured(world: World, point: Mapping[str, float | str], seed: int) -> Observation:
    numbers = {name: float(value) for name, value in point.items()}
    key = [round(1000 * value) for value in numbers.values()]
    noise = np.random.default_rng([seed, *key]).normal(0, world.noise_sd, len(world.directions))
    values = world.truth(numbers)
    return Observation(
        point=dict(point),
        values={
            name: value + off for (name, value), off in zip(values.items(), noise, strict=True)
        },
    )


def value_figures(
    world: World, campaign: CampaignSpec, observations: Sequence[Observation], seed: int
) -> dict[str, float]:
    made = [
        world.truth({name: float(value) for name, value in each.point.items()})
        for each in observations
    ]
    directions = [one.direction for one in campaign.objectives]
    if len(directions) > 1:
        rows = [list(values.values()) for values in made]
        return {"hypervolume": hypervolume(rows, directions, list(world.reference))}
    sign = campaign.objectives[0].sign
    best = max(sign * values["y"] for values in made)
    recommended, _ = judged(world, campaign, observations, seed)
    return {"best made": best, "recommended": recommended}


def knowledge_figures(
    world: World, campaign: CampaignSpec, observations: Sequence[Observation], seed: int
) -> dict[str, float]:
    _, (rmse, nlpd, largest) = judged(world, campaign, observations, seed)
    return {"RMSE": -rmse, "NLPD": -nlpd, "largest error": -largest}


def judged(
    world: World, campaign: CampaignSpec, observations: Sequence[Observation], seed: int
) -> tuple[float, tuple[float, float, float]]:
    """Return the true value of the point that a model recommends, and its errors on the others."""
    problem = Problem.of(campaign, observations)
    listed = problem.feasible.listed
    assert listed is not None
    known = {tuple(each.point.values()) for each in observations}
    points = [dict(problem.feasible.lattice.point(row)) for row in listed.tolist()]
    true = np.array([world.truth({k: float(v) for k, v in point.items()})["y"] for point in points])
    with one_seeded_thread(seed):
        surrogate = fit_surrogate(problem.data.columns)
        predictions = [each["y"] for each in surrogate.predictions(problem.rows(listed))]
    means = np.array([each.mean for each in predictions])
    sds = np.array([each.sd for each in predictions])
    sign = campaign.objectives[0].sign
    others = np.array([tuple(point.values()) not in known for point in points])
    spread = true.std()
    off = (means - true)[others] / spread
    density = norm.logpdf(off, 0, np.maximum(sds[others] / spread, 1e-3)).mean()
    recommended = sign * true[(sign * means).argmax()]
    return float(recommended), (
        float(np.sqrt(np.square(off).mean())),
        float(-density),
        float(np.abs(off).max()),
    )


def verdict(differences: np.ndarray) -> str:
    rng = np.random.default_rng(0)
    means = rng.choice(differences, (2000, len(differences))).mean(axis=1)
    share = float((means > 0).mean())
    return (
        "by far" if share >= 0.99 else "beats" if share >= 0.9 else "worse" if share <= 0.1 else "-"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--experiments", type=int, default=30)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="names of acquisitions")
    parser.add_argument("--world", help="one world alone")
    parser.add_argument("--purpose", choices=("value", "knowledge"))
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    print(
        "| purpose | world | acquisition | figure | median | random's | mean difference | s.e. |"
        " wins | verdict | s an ask |"
    )
    print("|" + "---|" * 11)
    with ProcessPoolExecutor(given.workers) as pool:
        for purpose, world, names in PLAN:
            if given.purpose not in (None, purpose) or given.world not in (None, world):
                continue
            chosen = [name for name in names if not given.only or name in given.only]
            jobs = {
                (name, seed): pool.submit(
                    one_course, purpose, world, name, seed, given.experiments, given.batch
                )
                for name in (RANDOM, *chosen)
                for seed in seeds
            }
            for name in chosen:
                report(
                    purpose,
                    world,
                    name,
                    [(jobs[name, seed].result(), jobs[RANDOM, seed].result()) for seed in seeds],
                )


def report(purpose: str, world: str, name: str, pairs: Sequence[tuple[Outcome, Outcome]]) -> None:
    seconds = np.mean([mine.seconds for mine, _ in pairs])
    for figure in pairs[0][0].figures:
        mine = np.array([each.figures[figure] for each, _ in pairs])
        random = np.array([each.figures[figure] for _, each in pairs])
        off = mine - random
        error = off.std(ddof=1) / len(off) ** 0.5 if len(off) > 1 else float("nan")
        print(
            f"| {purpose} | {world} | {name} | {figure} | {np.median(mine):.4g} | "
            f"{np.median(random):.4g} | {off.mean():+.4g} | {error:.2g} | "
            f"{int((off > 0).sum())}/{len(off)} | {verdict(off)} | {seconds:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
