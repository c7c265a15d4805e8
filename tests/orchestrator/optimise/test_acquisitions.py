"""Acquisitions by name, held against slower reckoning, on every kind of surrogate."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from botorch.models.ensemble import EnsembleModel
from scipy.stats import norm, spearmanr
from torch import Tensor

from campaigns.loading import campaign_from_text
from orchestrator.core.point import Observation
from orchestrator.optimise.acquisition.beliefs import beliefs_of
from orchestrator.optimise.acquisition.committee import Committee
from orchestrator.optimise.acquisition.expected_maximum import log_expected_rise
from orchestrator.optimise.acquisition.hyperparameters import posteriors_of
from orchestrator.optimise.acquisition.joint_samples import JointSamples
from orchestrator.optimise.acquisition.knowledge import KnowledgeGradient
from orchestrator.optimise.acquisition.model_change import changes_of
from orchestrator.optimise.acquisition.named import acquisition_for
from orchestrator.optimise.acquisition.paths import drawn_function
from orchestrator.optimise.acquisition.risk import log_mean_gain
from orchestrator.optimise.acquisition.situation import Situation
from orchestrator.optimise.acquisition.territory import Territory
from orchestrator.optimise.aims import Aims
from orchestrator.optimise.bench_time import BenchTime
from orchestrator.optimise.outlay import log_outlay, needs_bench
from orchestrator.optimise.planner_settings import AcquisitionName, PlannerSettings
from orchestrator.optimise.problem import Problem
from orchestrator.optimise.repeatable import one_seeded_thread
from orchestrator.optimise.surrogate import fit_surrogate
from orchestrator.optimise.training_data import reference_point

OF_ONE: tuple[AcquisitionName, ...] = (
    "log_ei",
    "log_nei",
    "ucb",
    "knowledge_gradient",
    "thompson",
    "uncertainty",
    "query_by_committee",
    "expected_model_change",
    "integrated_variance",
)
OF_TWO: tuple[AcquisitionName, ...] = ("log_nehvi", "nparego", "ucb", "thompson")
WITHOUT_PENDING = ("thompson",)
LEAST_ALIKE = {"log_nei": 0.9, "expected_model_change": 0.9, "query_by_committee": 0.6}
"""Where samples, refitted hyperparameters or members differ between the two forms."""

BASE = """
[campaign]
name = "held"
[space.composition]
components = ["a", "b", "c"]
step = 0.05
[planner]
n_initial = 4
"""


def situation_of(n_goals: int, n: int = 14) -> tuple[Situation, Tensor]:
    """Return a situation and the encoded rows of the whole set."""
    goals = "".join(
        f'[[objective]]\nname = "y{i}"\ndirection = "maximise"\n' for i in range(n_goals)
    )
    spec = campaign_from_text(BASE + goals, file="held")
    rng = np.random.default_rng(3)
    problem = Problem.of(spec, [])
    observations: list[Observation] = []
    for row in problem.feasible.sample(n, rng).tolist():
        point = problem.feasible.lattice.point(row)
        a, b, c = (float(value) for value in point.values())
        values = (np.sin(5 * a) + b * c, np.cos(4 * b) + a)[:n_goals]
        noisy = {f"y{i}": float(value + rng.normal(0, 0.05)) for i, value in enumerate(values)}
        observations.append(Observation(point=point, values=noisy))
    problem = Problem.of(spec, observations)
    surrogate = fit_surrogate(problem.data.columns)
    aims = Aims(spec, surrogate.columns, problem.scales)
    baseline = np.unique(problem.joined(problem.data.X_made, problem.data.computed_made), axis=0)
    several = n_goals > 1
    reference = tuple(aims.reference(reference_point(spec, observations))) if several else None
    situation = Situation(
        aims=aims,
        surrogate=surrogate,
        baseline=torch.from_numpy(baseline),
        reference=reference,
        seed=3,
        first=n,
    )
    assert problem.feasible.listed is not None
    return situation, torch.from_numpy(problem.rows(problem.feasible.listed))


class Trees(EnsembleModel):
    """Six step functions with other thresholds, as a forest would be, of `p` columns."""

    def __init__(self, X: Tensor, n_columns: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self._cuts = torch.rand(6, X.shape[1], dtype=X.dtype, generator=generator)
        self._num_outputs = n_columns

    def forward(self, X: Tensor) -> Tensor:
        steps = (X.unsqueeze(-3) > self._cuts[:, None]).to(X.dtype)
        first = steps.sum(dim=-1, keepdim=True) - 1
        return torch.cat([first * (1 - 2 * i) for i in range(self._num_outputs)], dim=-1)


def territory_of(X: Tensor) -> Territory:
    return Territory(pool=lambda: X, draw=lambda n: X[:: max(1, len(X) // n)])


def scores_of(
    name: AcquisitionName, situation: Situation, X: Tensor, pending: Tensor | None = None
) -> Tensor:
    acquisition = acquisition_for(PlannerSettings(acquisition=name), territory_of(X))
    waiting = X[:0] if pending is None else pending
    return acquisition.after(situation, waiting, 0)(X)


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_ONE)
def test_any_model_is_judged_as_the_same_model_in_own_matrices(name: AcquisitionName) -> None:
    with one_seeded_thread(0):
        situation, X = situation_of(1)
        foreign = replace(situation, surrogate=replace(situation.surrogate, processes=()))
        mine = scores_of(name, situation, X, X[5:7])
        theirs = scores_of(name, foreign, X, X[5:7])

    assert torch.isfinite(mine).all()
    assert torch.isfinite(theirs).all()
    promising = mine > mine.quantile(0.5)
    assert spearmanr(mine[promising], theirs[promising]).statistic > LEAST_ALIKE.get(name, 0.98)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n_goals"), [*((name, 1) for name in OF_ONE), *((name, 2) for name in OF_TWO)]
)
def test_an_ensemble_is_a_surrogate_too(name: AcquisitionName, n_goals: int) -> None:
    with one_seeded_thread(0):
        situation, X = situation_of(n_goals)
        trees = Trees(X, n_goals)
        surrogate = replace(situation.surrogate, model=trees, processes=())
        scores = scores_of(name, replace(situation, surrogate=surrogate), X, X[5:7])

    assert torch.isfinite(scores).all()
    assert len(scores.unique()) > 3


@pytest.mark.slow
def test_no_acquisition_is_an_alias_of_another() -> None:
    with one_seeded_thread(0):
        situation, X = situation_of(1)
        all_scores = {name: scores_of(name, situation, X) for name in OF_ONE}

    for one, mine in all_scores.items():
        for other, theirs in all_scores.items():
            if one < other:
                assert abs(spearmanr(mine, theirs).statistic) < 0.9999, (one, other)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OF_ONE if name not in WITHOUT_PENDING])
def test_a_pending_row_promises_less_than_before(name: AcquisitionName) -> None:
    with one_seeded_thread(0):
        situation, X = situation_of(1)
        before = scores_of(name, situation, X)
        best = int(before.argmax())
        after = scores_of(name, situation, X, X[best : best + 1])

    assert after[best] < before[best]


def test_what_is_believed_is_the_same_in_both_forms() -> None:
    with one_seeded_thread(0):
        situation, X = situation_of(2)
        foreign = replace(situation, surrogate=replace(situation.surrogate, processes=()))
        mine, theirs = (beliefs_of(one, X[3:6]) for one in (situation, foreign))
        base = JointSamples.base(16, 4, 2, 0)

        pairs = [
            (mine.means(X), theirs.means(X)),
            (mine.variances(X), theirs.variances(X)),
            (mine.covariances(X[:9], X[20:40]), theirs.covariances(X[:9], X[20:40])),
            (mine.changes(X[:9], X[20:40]), theirs.changes(X[:9], X[20:40])),
            (mine.samples(X, base)[1], theirs.samples(X, base)[1]),
        ]

    for one, other in pairs:
        assert torch.allclose(one, other, atol=1e-4)
    assert mine.variances(X)[4].max() < beliefs_of(situation, X[:0]).variances(X)[4].max()


def test_the_expected_rise_of_a_maximum_is_exact() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(40, 9, dtype=torch.float64, generator=generator)
    slopes = torch.randn(40, 9, dtype=torch.float64, generator=generator)
    values[1], slopes[2] = 0.0, 0.0
    slopes[3, :4] = slopes[3, 4]
    slopes[4] *= 0.2
    z = torch.linspace(-10, 10, 200_001, dtype=torch.float64)
    density = torch.from_numpy(norm.pdf(z.numpy())) * (z[1] - z[0])

    found = log_expected_rise(values, slopes).exp()

    for row in range(len(values)):
        best = values[row].argmax()
        highest = (values[row, :, None] + slopes[row, :, None] * z).amax(dim=0)
        gain = highest - values[row, best] - slopes[row, best] * z
        assert float(found[row]) == pytest.approx(
            float((gain * density).sum()), rel=1e-5, abs=1e-12
        )


def test_far_promises_are_still_told_apart() -> None:
    values = torch.tensor([[0.0, -40.0], [0.0, -60.0], [0.0, -1e7]], dtype=torch.float64)
    slopes = torch.tensor([[0.0, 1.0]], dtype=torch.float64).expand(3, -1)

    logs = log_expected_rise(values, slopes)

    assert torch.isfinite(logs).all()
    assert logs[0] > logs[1] > logs[2]


def test_the_knowledge_gradient_is_what_refitted_means_gain() -> None:
    with one_seeded_thread(0):
        situation, X = situation_of(1)
        score = KnowledgeGradient(territory_of(X)).after(situation, X[:0], 0)
        chosen = torch.cat([score(X).argsort(descending=True)[:3], torch.tensor([7, 90])])
        found = score(X[chosen])
        beliefs = beliefs_of(situation, X[:0])
        means = beliefs.means(X)[:, 0]
        z = torch.from_numpy(norm.ppf((np.arange(4000) + 0.5) / 4000))
        changes = beliefs.changes(X[chosen], X)[..., 0]

        whole = (means + changes[:, None] * z[:, None]).amax(dim=-1).mean(dim=-1) - means.max()

    best = found > found.max() - 3
    assert best.sum() >= 3
    assert torch.allclose(found.exp()[best], whole[best], rtol=0.1)


def test_a_committee_has_members_that_differ() -> None:
    with one_seeded_thread(0):
        situation, X = situation_of(1)
        committee = Committee.of(situation)
        predictions = committee.predictions(X)

    assert len(predictions) >= 5
    lengths = torch.stack([member.lengthscales for member in committee.members[0]])
    assert len(lengths.unique(dim=0)) == len(lengths)
    assert float(predictions.std(dim=0).max()) > 0.05


def test_drawn_hyperparameters_follow_their_posterior() -> None:
    with one_seeded_thread(0):
        situation, _ = situation_of(1, n=8)
        (posterior,) = posteriors_of(situation.surrogate)
        draws = np.array(posterior.draws(60, 0))

    losses = [posterior.evidence.loss(draw)[0] for draw in draws]
    mode = posterior.evidence.loss(posterior.mode)[0]
    assert (draws.std(axis=0) > 0.2).all()
    assert np.median(losses) - mode < 3 * len(posterior.mode)


def test_the_model_change_is_what_a_moved_model_shows() -> None:
    with one_seeded_thread(0):
        situation, X = situation_of(1)
        (change,) = changes_of(situation.surrogate)
        still = replace(change, spread=torch.zeros_like(change.spread))
        drawn = X[::5]
        squares, direct = (one.after(X[:0], drawn)(X) for one in (change, still))
        beliefs = beliefs_of(situation, X[:0])

        expected = beliefs.changes(X, drawn)[..., 0].square().mean(dim=1)

    assert torch.allclose(direct, expected, rtol=1e-3, atol=1e-9)
    assert float((squares / direct).max()) > 1.2


def test_a_drawn_function_has_one_value_at_a_row() -> None:
    with one_seeded_thread(0):
        situation, X = situation_of(2)
        drawn, other = (drawn_function(situation.surrogate, seed) for seed in (1, 2))
        whole = drawn(X)

        part = drawn(X[10:20])

    assert torch.allclose(whole[10:20], part)
    assert not torch.allclose(whole, other(X))


def test_risk_leaves_out_the_luckiest_samples() -> None:
    gains = torch.tensor([[1.0], [2.0], [3.0], [10.0]])

    means = [float(log_mean_gain(gains, risk).exp()) for risk in (0.0, 0.25, 0.5, 1.0)]

    assert means == pytest.approx([4.0, 2.0, 1.5, 1.0])


def test_risk_prefers_what_is_sure() -> None:
    with one_seeded_thread(0):
        situation, X = situation_of(1)
        spread = beliefs_of(situation, X[:0]).variances(X)[:, 0]
        chosen = [
            int(
                acquisition_for(PlannerSettings(acquisition="log_nei", risk=risk), territory_of(X))
                .after(situation, X[:0], 0)(X)
                .argmax()
            )
            for risk in (0.0, 0.9)
        ]

    assert spread[chosen[1]] <= spread[chosen[0]]


def test_what_an_experiment_takes_is_read_off_the_recipe() -> None:
    recipe = """
[computed]
heat = "100*a"
[[objective]]
name = "y"
direction = "maximise"
[recipe]
hours_per_experiment = "1 + heat"
cost_usd_per_experiment = "b - 1"
[[recipe.job]]
name = "mix"
instrument = "mixer"
action = "mix"
"""
    spec = campaign_from_text(BASE + recipe, file="held")
    problem = Problem.of(spec, [])
    rows = np.array([[20, 0, 0], [0, 20, 0], [0, 0, 20]])
    lattice = problem.feasible.lattice

    hours = log_outlay(spec, lattice, "hour")(rows)
    dollars = log_outlay(spec, lattice, "dollar")(rows)
    alike = log_outlay(spec, lattice, "experiment")(rows)

    assert np.exp(hours) == pytest.approx([101.0, 1.0, 1.0])
    assert np.exp(dollars) == pytest.approx([0.01, 0.01, 0.01])
    assert alike.tolist() == [0.0, 0.0, 0.0]


def test_what_the_recipe_does_not_say_is_told_by_the_bench() -> None:
    recipe = """
[[objective]]
name = "y"
direction = "maximise"
[recipe]
[[recipe.job]]
name = "mix"
instrument = "mixer"
action = "mix"
[planner.settings]
per = "hour"
"""
    spec = campaign_from_text(BASE + recipe, file="held")
    lattice = Problem.of(spec, []).feasible.lattice
    rows = np.array([[20, 0, 0], [0, 20, 0], [0, 0, 20]])

    def hours(point: Mapping[str, float | str]) -> float:
        return 1.0 + 5.0 * float(point["a"])

    def apart(point: Mapping[str, float | str]) -> float:
        return 0.5 * hours(point)

    ample, short = BenchTime(hours, apart, 100.0), BenchTime(hours, apart, 2.0)

    assert needs_bench(spec)
    with pytest.raises(ValueError, match="by the hour"):
        log_outlay(spec, lattice, "hour")
    assert np.exp(log_outlay(spec, lattice, "hour", ample)(rows)) == pytest.approx([3.0, 0.5, 0.5])
    assert np.exp(log_outlay(spec, lattice, "hour", short)(rows)).tolist() == [np.inf, 0.5, 0.5]
    assert np.exp(log_outlay(spec, lattice, "experiment", short)(rows)).tolist() == [np.inf, 1, 1]
