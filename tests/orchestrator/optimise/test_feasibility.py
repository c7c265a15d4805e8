"""Where samples fail is learnt from those that failed, without a model of why."""

import numpy as np
import pytest

from campaigns.loading import campaign_from_text
from orchestrator.core.point import Observation
from orchestrator.optimise.encoding import Encoding
from orchestrator.optimise.feasibility import Feasibility, beta_probability
from orchestrator.optimise.lattice import FloatArray
from orchestrator.optimise.planner import planner_for

pytestmark = pytest.mark.slow

CAMPAIGN = """
[campaign]
name = "fails"
[space.composition]
components = ["a", "b", "c"]
step = 0.05
[[objective]]
name = "y"
direction = "maximise"
[planner]
n_initial = 6
"""


def as_it_is(X: FloatArray) -> FloatArray:
    return X


def drawn(n: int, seed: int = 0) -> tuple[FloatArray, FloatArray, FloatArray]:
    X = np.random.default_rng(seed).random((n, 3))
    fails = X[:, 0] + X[:, 1] > 1.2
    return X, X[~fails], X[fails]


def test_without_failures_everything_can_be_made() -> None:
    X, _, _ = drawn(20)

    feasibility = Feasibility.of(X, X[:0], as_it_is)

    assert feasibility.probability(X).tolist() == [1.0] * 20
    assert feasibility.log_trust(X).tolist() == [0.0] * 20


@pytest.mark.parametrize(("n_made", "n_failed"), [(2, 9), (9, 2)])
def test_too_few_of_one_kind_are_left_to_the_beta_distribution(n_made: int, n_failed: int) -> None:
    X, made, failed = drawn(60)

    feasibility = Feasibility.of(made[:n_made], failed[:n_failed], as_it_is)

    assert feasibility.classifier is None
    expected = beta_probability(X, made[:n_made], failed[:n_failed])
    assert np.array_equal(feasibility.probability(X), expected)


def test_three_of_each_make_a_classifier() -> None:
    _, made, failed = drawn(60)

    feasibility = Feasibility.of(made[:3], failed[:3], as_it_is)

    assert feasibility.classifier is not None
    chances = feasibility.probability(np.vstack([made[:3], failed[:3]]))
    assert chances[:3].min() > chances[3:].max()


def test_the_classifier_tells_what_it_was_not_told_and_its_chances_are_honest() -> None:
    _, made, failed = drawn(80)
    X, _, _ = drawn(2000, seed=1)
    could = X[:, 0] + X[:, 1] <= 1.2

    chances = Feasibility.of(made, failed, as_it_is).probability(X)

    assert ((chances > 0.5) == could).mean() > 0.93
    unsure = (chances > 0.3) & (chances < 0.7)
    assert 0.25 < could[unsure].mean() < 0.75


def test_scales_are_taken_that_explain_more() -> None:
    def waves(X: FloatArray) -> FloatArray:
        return np.asarray(np.sin(20 * X), dtype=np.float64)

    X = np.random.default_rng(2).random((60, 2))
    fails = np.sin(20 * X[:, 0]) > 0.2

    feasibility = Feasibility.of(X[~fails], X[fails], waves)

    assert feasibility.view is waves


def test_what_fails_rather_than_not_comes_after_all_else() -> None:
    X, made, failed = drawn(60)
    feasibility = Feasibility.of(made, failed, as_it_is)

    trust = feasibility.log_trust(X)
    chances = feasibility.probability(X)

    assert trust[chances < 0.5].max() < trust[chances > 0.5].min() - 900


def test_plain_features_are_the_fractions_themselves() -> None:
    encoding = Encoding.of(campaign_from_text(CAMPAIGN, file="fails.toml"))
    points = [{"a": 0.0, "b": 0.01, "c": 0.99}, {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}]

    plain = encoding.plain(encoding.points(points))

    assert np.allclose(plain, encoding.points(points, is_logarithmic=False))


def test_failed_points_are_never_repeated_and_risks_are_told() -> None:
    spec = campaign_from_text(CAMPAIGN, file="fails.toml")
    told: list[Observation] = []
    reasons: list[str] = []
    for turn in range(20):
        proposal = planner_for(spec).propose(spec, told, [], 1, turn)
        reasons.append(proposal.reason)
        (found,) = proposal.candidates
        assert all(found.point != one.point for one in told if one.is_failed)
        a, b = float(found.point["a"]), float(found.point["b"])
        if a > 0.4:
            told.append(Observation(point=found.point, values={}, is_failed=True))
        else:
            told.append(Observation(point=found.point, values={"y": a - b}))

    assert any("can be made with probability" in reason for reason in reasons)
    assert sum(one.is_failed for one in told[6:]) <= 6
