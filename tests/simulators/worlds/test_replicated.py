"""The emulators say of themselves only what their own data say of them."""

import numpy as np
import pytest

from simulators.errors import OffTheMap
from simulators.worlds.emulator import settings_chosen
from simulators.worlds.replicated import OpvPhotodegradation, PerovskiteInstability

both = pytest.mark.parametrize("kind", [PerovskiteInstability, OpvPhotodegradation])


@both
def test_the_declared_noise_is_the_spread_of_the_replicates(kind: type) -> None:
    world = kind()

    assert world.residuals.std() == pytest.approx(world.noise_sd[world.outcome], rel=1e-4)
    assert world.residuals.mean() == pytest.approx(0.0, abs=1e-9 * world.residuals.std())


@both
def test_a_sample_differs_from_the_truth_by_a_residual_that_was_measured(kind: type) -> None:
    world = kind()
    fractions = dict(zip(world.components, map(float, world.compositions[0]), strict=True))
    true = world.true_outcomes(fractions)[world.outcome]

    drawn = world.outcomes(fractions, np.random.default_rng(1))[world.outcome]

    assert np.abs(world.residuals - (drawn - true)).min() < 1e-9 * world.residuals.std()


@both
def test_beyond_the_tolerance_there_is_no_answer(kind: type) -> None:
    world = kind()
    corners = np.random.default_rng(0).dirichlet(np.ones(len(world.components)), 500)
    away = np.array([np.abs(world.compositions - one).max(axis=1).min() for one in corners])
    loneliest = dict(zip(world.components, map(float, corners[away.argmax()]), strict=True))

    assert away.max() > world.tolerance
    with pytest.raises(OffTheMap, match="allowed is"):
        world.true_outcomes(loneliest)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [PerovskiteInstability, OpvPhotodegradation])
def test_the_published_settings_and_figure_come_out_again(kind: type) -> None:
    world = kind()

    assert settings_chosen(world.compositions, world.means) == world.settings
    assert world.cross_validated_r2() == pytest.approx(world.published_r2, abs=0.002)
