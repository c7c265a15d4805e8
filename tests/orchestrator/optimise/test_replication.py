"""Noise from repeats: which rows repeat each other, how they scatter, what a model is told."""

import numpy as np
import pytest

from campaigns.loading import campaign_from_text
from orchestrator.core.point import Observation
from orchestrator.optimise.lattice import Lattice
from orchestrator.optimise.replication import noise_from, pooled_noise, repeats_among
from orchestrator.optimise.surrogate import fit_surrogate
from orchestrator.optimise.training_data import Column, Scale

LATTICE = Lattice.of(
    campaign_from_text(
        """
        campaign.name = "two"
        space.composition = {components = ["a", "b"], step = 0.1}
        objective = [{name = "y", direction = "maximise"}]
        """,
        file="two.toml",
    ).space
)
NO_REPEATS = ()


def _told(*fractions):
    return [Observation(point={"a": a, "b": 1 - a}, values={"y": 0.0}) for a in fractions]


def _of_pairs(n):
    return [np.array([2 * i, 2 * i + 1]) for i in range(n)]


def test_rows_within_a_tenth_of_a_step_repeat_each_other():
    repeats = repeats_among(LATTICE, _told(0.3, 0.5, 0.309, 0.32, 0.691, 0.7))

    assert [each.tolist() for each in repeats] == [[0, 2], [4, 5]]


def test_rows_off_the_lattice_repeat_each_other_only_if_they_are_equal():
    repeats = repeats_among(LATTICE, _told(0.35, 0.352, 0.35))

    assert [each.tolist() for each in repeats] == [[0, 2]]


def test_a_pooled_variance_is_unbiased():
    rng = np.random.default_rng(0)
    repeats = [np.arange(3), np.array([3, 4]), np.array([5, 6])]
    found = [
        pooled_noise(rng.normal(0, 0.3, 7) + np.repeat([0, 5, -2], [3, 2, 2]), repeats)
        for _ in range(2000)
    ]

    assert {each.n_repeats for each in found} == {4}
    assert np.mean([each.variance for each in found]) == pytest.approx(0.09, rel=0.05)


def test_without_repeats_nothing_is_pooled():
    assert pooled_noise(np.zeros(3), NO_REPEATS) is None


def test_reported_errors_that_repeats_bear_out_are_all_there_is():
    rng = np.random.default_rng(1)
    reported = np.full(20, 0.2)

    noise = noise_from(rng.normal(0, 0.2, 20), reported, _of_pairs(10))

    assert noise.sd is not None
    assert noise.sd.tolist() == reported.tolist()
    assert noise.prior is None


def test_repeats_that_scatter_more_than_reported_ask_for_noise_of_that_size():
    rng = np.random.default_rng(2)

    noise = noise_from(rng.normal(0, 0.3, 20), np.full(20, 0.02), _of_pairs(10))

    assert noise.prior is not None
    assert np.exp(noise.prior.location) == pytest.approx(0.09, rel=0.6)
    assert noise.prior.width < 0.5


def test_a_row_without_an_error_gets_the_scatter_of_repeats_or_the_usual_error():
    reported = np.array([0.1, 0.1, np.nan, np.nan, 0.2])
    Y = np.array([1.0, 1.1, 0.0, 0.4, 0.7])

    usual = noise_from(Y, reported, NO_REPEATS)
    pooled = noise_from(Y, reported, [np.array([2, 3])])

    assert usual.sd is not None
    assert pooled.sd is not None
    assert usual.sd[2] == pytest.approx(0.1)
    assert pooled.sd[2] == pytest.approx(0.08**0.5, abs=0.01)
    assert pooled.sd[4] == 0.2


def test_one_pair_moves_the_belief_little_and_twenty_pairs_nearly_whole():
    rng = np.random.default_rng(3)
    Y = rng.normal(0, 0.5, 40)
    unknown = np.full(40, np.nan)

    one = noise_from(Y, unknown, _of_pairs(1)).prior
    twenty = noise_from(Y, unknown, _of_pairs(20)).prior

    assert one is not None
    assert twenty is not None
    assert 0.9 < one.width < 1.0
    assert twenty.width < 0.35
    assert np.exp(twenty.location) == pytest.approx(0.25, rel=0.4)


def test_equal_repeats_speak_for_little_noise_and_break_nothing():
    noise = noise_from(np.zeros(4), np.full(4, np.nan), _of_pairs(2))

    assert noise.prior is not None
    assert np.exp(noise.prior.location) < 1e-3
    assert not noise.is_evident


def _missed(seed, reported, true, repeats):
    """Return how far a model is from a curve that 20 noisy rows were taken from, in pairs."""
    rng = np.random.default_rng(seed)
    x = np.repeat(np.linspace(0, 1, 10), 2)
    y = np.sin(3 * x) + rng.normal(0, true, 20)
    scale = Scale.of(y)
    noise = noise_from(scale.scaled(y), reported / scale.width, repeats)
    column = Column("y", x[:, None], scale.scaled(y), noise, scale)
    asked = np.linspace(0, 1, 50)
    predictions = fit_surrogate([column]).predictions(asked[:, None])
    means = np.array([each["y"].mean for each in predictions])
    return np.sqrt(np.mean((means - np.sin(3 * asked)) ** 2))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reported", "true"),
    [
        (np.full(20, 0.02), np.full(20, 0.4)),
        (np.tile([0.02, 0.02, np.nan, np.nan], 5), np.tile([0.02, 0.02, 0.8, 0.8], 5)),
    ],
    ids=["reported too small", "half unreported and noisy"],
)
def test_repeats_bring_a_model_nearer_to_the_truth(reported, true):
    seeds = range(6)

    without = np.mean([_missed(seed, reported, true, NO_REPEATS) for seed in seeds])
    with_repeats = np.mean([_missed(seed, reported, true, _of_pairs(10)) for seed in seeds])

    assert with_repeats < 0.8 * without
