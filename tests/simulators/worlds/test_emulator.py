"""The map goes where its rows are, and its score tells sense from noise."""

import numpy as np
import pytest

from simulators.worlds.emulator import KernelMap, KernelSettings, nested_r2, settings_chosen


def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    inputs = np.random.default_rng(3).uniform(size=(n, 2))
    return inputs, np.sin(5.0 * inputs[:, 0]) + inputs[:, 1] ** 2


def test_with_hardly_any_nugget_the_map_goes_through_its_rows() -> None:
    inputs, outcomes = rows(40)

    smooth = KernelMap(inputs, outcomes, KernelSettings(length=0.5, nugget=1e-9))

    assert smooth.at(inputs) == pytest.approx(outcomes, abs=1e-5)


def test_far_from_all_rows_the_map_says_their_mean() -> None:
    inputs, outcomes = rows(40)

    smooth = KernelMap(inputs, outcomes, KernelSettings(length=0.5, nugget=0.01))

    assert smooth.at(np.array([[90.0, 90.0]])) == pytest.approx(outcomes.mean())


def test_the_map_does_not_care_in_which_order_its_rows_stand() -> None:
    inputs, outcomes = rows(40)
    settings = KernelSettings(length=0.5, nugget=0.01)
    asked = np.array([[0.3, 0.7], [0.9, 0.1]])

    forwards = KernelMap(inputs, outcomes, settings).at(asked)
    backwards = KernelMap(inputs[::-1], outcomes[::-1], settings).at(asked)

    assert forwards == pytest.approx(backwards)


def test_a_smooth_function_is_foretold_and_noise_is_not() -> None:
    inputs, outcomes = rows(60)
    noise = np.random.default_rng(9).normal(size=60)
    folds = np.arange(60) % 6

    assert nested_r2(inputs, outcomes, folds) > 0.98
    assert nested_r2(inputs, noise, folds) < 0.1


def test_noisy_rows_choose_a_greater_nugget_than_clean_ones() -> None:
    inputs, outcomes = rows(80)
    noisy = outcomes + np.random.default_rng(1).normal(scale=0.5, size=80)

    assert settings_chosen(inputs, outcomes).nugget < settings_chosen(inputs, noisy).nugget
