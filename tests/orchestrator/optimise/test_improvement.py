"""Own reckoning of noisy improvements, held against BoTorch's."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from botorch.utils.multi_objective.hypervolume import Hypervolume
from botorch.utils.multi_objective.pareto import is_non_dominated
from scipy.stats import spearmanr
from torch import Tensor

from campaigns.loading import campaign_from_text
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Observation
from orchestrator.optimise.acquisition.any_model import hypervolume_score, single_score
from orchestrator.optimise.acquisition.hypervolume import Fronts, non_dominated
from orchestrator.optimise.acquisition.improvement import Improvement
from orchestrator.optimise.acquisition.joint_samples import JointSamples
from orchestrator.optimise.acquisition.situation import Situation
from orchestrator.optimise.aims import Aims
from orchestrator.optimise.problem import Problem
from orchestrator.optimise.repeatable import one_seeded_thread
from orchestrator.optimise.surrogate import fit_surrogate
from orchestrator.optimise.training_data import reference_point

BASE = """
[campaign]
name = "held"
[space.composition]
components = ["a", "b", "c", "d"]
step = 0.05
[planner]
n_initial = 4
"""
COST = '[computed]\ncost = "3*a + 5*b"\n[[objective]]\nname = "cost"\ndirection = "minimise"\n'
STRAIN = '[[outcome]]\nname = "strain"\nat_least = 0.3\n'


def campaign(n_measured: int, *parts: str) -> CampaignSpec:
    objectives = "".join(
        f'[[objective]]\nname = "y{i}"\ndirection = "maximise"\n' for i in range(n_measured)
    )
    return campaign_from_text(BASE + "".join([*parts[:1], objectives, *parts[1:]]), file="held")


def situation_of(spec: CampaignSpec, n: int = 30) -> tuple[Situation, Problem, Tensor]:
    """Return a situation and the encoded rows of the whole set."""
    rng = np.random.default_rng(5)
    problem = Problem.of(spec, [])
    rows = problem.feasible.sample(n, rng)
    observations: list[Observation] = []
    for row in rows.tolist():
        point = problem.feasible.lattice.point(row)
        P = np.array([float(value) for value in point.values()])
        values = {
            name: float(np.exp(-8 * (P[i % 4] - 0.3) ** 2) + 0.5 * P[(i + 1) % 4])
            + rng.normal(0, 0.03)
            for i, name in enumerate(spec.measured_names)
        }
        observations.append(Observation(point=point, values=values))
    problem = Problem.of(spec, observations)
    surrogate = fit_surrogate(problem.data.columns)
    aims = Aims(spec, surrogate.columns, problem.scales)
    baseline = problem.joined(problem.data.X_made, problem.data.computed_made)
    several = len(spec.objectives) > 1
    reference = tuple(aims.reference(reference_point(spec, observations))) if several else None
    situation = Situation(
        aims=aims,
        surrogate=surrogate,
        baseline=torch.from_numpy(np.unique(baseline, axis=0)),
        reference=reference,
        seed=3,
        first=n + (n + 1) % 2,
    )
    listed = problem.feasible.listed
    assert listed is not None
    return situation, problem, torch.from_numpy(problem.rows(listed))


def correlation(mine: Tensor, theirs: Tensor) -> float:
    """Return how alike rows are ranked that promise at least a fiftieth of the best."""
    promising = mine > mine.max() - 4
    assert promising.sum() > 10
    return float(spearmanr(mine[promising], theirs[promising]).statistic)


@pytest.mark.slow
@pytest.mark.parametrize(("parts", "n_pending"), [((), 0), ((), 3), (("", STRAIN), 0)])
def test_one_objective_is_ranked_as_by_botorch(parts: tuple[str, ...], n_pending: int) -> None:
    with one_seeded_thread(0):
        situation, _, X = situation_of(campaign(1, *parts))
        pending, X = X[::600][:n_pending], X[1::4]

        mine = Improvement(256).after(situation, pending, 0)(X)
        conditions = situation.aims.specifications()
        theirs = single_score(situation, pending, lambda Y: Y[..., 0], conditions, n_samples=256)(X)

    assert correlation(mine, theirs) > 0.99
    assert theirs[mine.argmax()] >= theirs.max() - 0.1


@pytest.mark.slow
@pytest.mark.parametrize("n_pending", [0, 3])
@pytest.mark.parametrize(("n_measured", "parts"), [(2, ()), (1, (COST,)), (2, (COST, STRAIN))])
def test_hypervolumes_are_ranked_as_by_botorch(
    n_measured: int, parts: tuple[str, ...], n_pending: int
) -> None:
    with one_seeded_thread(0):
        situation, _, X = situation_of(campaign(n_measured, *parts))
        pending, X = X[::600][:n_pending], X[1::8]
        assert situation.reference is not None

        mine = Improvement(128).after(situation, pending, 0)(X)
        theirs = hypervolume_score(situation, pending, situation.reference, n_samples=128)(X)

    assert correlation(mine, theirs) > 0.99
    assert theirs[mine.argmax()] >= theirs.max() - 0.1


def test_rows_that_join_give_the_same_scores_as_rows_known_from_the_start() -> None:
    with one_seeded_thread(0):
        situation, _, X = situation_of(campaign(2), n=12)
        one_by_one = Improvement()
        for n in (0, 1, 3):
            joined = one_by_one.after(situation, X[40 : 40 + n], 0)(X)

        at_once = Improvement().after(situation, X[40:43], 0)(X)

    assert one_by_one.method(situation, 0) == "log_nehvi"
    best = at_once.argsort(descending=True)[:100]
    assert float((joined - at_once)[best].abs().max()) < 0.3
    assert spearmanr(joined[best], at_once[best]).statistic > 0.95


def test_a_picked_row_keeps_the_samples_by_which_it_was_judged() -> None:
    with one_seeded_thread(0):
        situation, _, X = situation_of(campaign(2), n=12)
        processes = situation.surrogate.processes
        samples = JointSamples(processes, situation.baseline, JointSamples.base(16, 20, 2, 0))
        judged = samples.at(X[7:9])

        samples.join(X[7:8])

    assert torch.allclose(samples.values[:, -1], judged[:, 0], atol=1e-6)
    assert samples.at(X[7:8])[..., 0, 0].std() < 2
    assert torch.allclose(samples.at(X[7:8])[:, 0], judged[:, 0], atol=1e-3)


@pytest.mark.parametrize(
    ("n_measured", "n", "remark"),
    [
        (2, 12, ""),
        (4, 5, ""),
        (4, 40, r"4 objectives, fronts of \d\d\.\d points in the mean, more than 12: "),
        (5, 5, "5 objectives, more than 4: "),
    ],
)
def test_what_takes_the_place_of_a_hypervolume_is_said_once(
    n_measured: int, n: int, remark: str
) -> None:
    with one_seeded_thread(0):
        situation, _, X = situation_of(campaign(n_measured), n=n)
        improvement = Improvement()
        method = improvement.method(situation, 0)
        improvement.after(situation, X[40:43], 3)

        said = [improvement.remark(situation, turn) for turn in (0, 2, 4)]

    instead = r"random trade-offs \(NParEGO\) instead of hypervolume"
    assert re.fullmatch(remark and remark + instead, said[0])
    assert said[1:] == ["", ""]
    assert method == ("log_nparego" if remark else "log_nehvi")


def test_models_that_are_no_processes_weigh_no_volume_of_four() -> None:
    with one_seeded_thread(0):
        situation, _, _ = situation_of(campaign(4), n=5)
        others = replace(situation, surrogate=replace(situation.surrogate, processes=()))

        said = Improvement().remark(others, 0)

    assert said.startswith("4 objectives, models that are no independent Gaussian processes: ")


@pytest.mark.parametrize("m", [2, 3, 4])
@pytest.mark.parametrize("has_ties", [False, True])
def test_gains_are_differences_of_hypervolumes(m: int, has_ties: bool) -> None:
    generator = torch.Generator().manual_seed(m)
    Y = torch.rand(3, 9, m, dtype=torch.float64, generator=generator)
    X = torch.rand(8, m, dtype=torch.float64, generator=generator)
    if has_ties:
        Y, X = (Y * 4).round() / 4, (X * 4).round() / 4
    valid = torch.rand(3, 9, generator=generator) > 0.2
    reference = torch.full((m,), 0.1, dtype=torch.float64)
    volume = Hypervolume(reference)

    fronts = Fronts(reference, Y[:, :-2], valid[:, :-2])
    fronts.join(Y[:, -2], valid[:, -2])
    fronts.join(Y[:, -1], valid[:, -1])

    gains = fronts.gains(X.expand(3, -1, -1))

    for sample in range(3):
        made = Y[sample][valid[sample]]
        before = volume.compute(made[is_non_dominated(made)])
        for x, gain in zip(X, gains[sample], strict=True):
            both = torch.cat([made, x.unsqueeze(0)])
            after = volume.compute(both[is_non_dominated(both)])
            assert float(gain) == pytest.approx(after - before, abs=1e-5)


def test_equal_points_are_on_a_front_once() -> None:
    Y = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.4, 0.5]]])
    valid = torch.tensor([[True, True, True, True, True]])

    front = non_dominated(Y, valid)

    assert front.sum() == 3
    assert front[0, 3]
    assert not front[0, 4]
