"""What is made misses what was asked for by as much as the world says."""

import numpy as np
import pytest

from simulators.worlds import world_named
from simulators.worlds.making import made_fractions, outcomes_as_asked


def test_what_is_made_misses_by_the_declared_spread_and_adds_up() -> None:
    world = world_named("doped_ceria")
    asked = {"Ce": 0.85, "Gd": 0.1, "Sm": 0.05, "Y": 0.0}
    rng = np.random.default_rng(2)

    made = [made_fractions(world, asked, rng) for _ in range(2000)]

    gadolinium = np.array([one["Gd"] for one in made])
    assert gadolinium.mean() == pytest.approx(0.1, abs=2e-4)
    assert gadolinium.std() == pytest.approx(world.made_sd, rel=0.1)
    assert all(sum(one.values()) == pytest.approx(1.0) for one in made)
    assert {one["Y"] for one in made} == {0.0}


def test_a_world_on_the_bench_is_made_as_asked_since_pumps_make_the_error() -> None:
    world = world_named("oer_plate_3496")
    asked = {"x1": 0.6, "x2": 0.2, "x4": 0.1, "x5": 0.1}

    assert made_fractions(world, asked, np.random.default_rng(0)) == asked


def test_nothing_asked_for_is_nothing_made() -> None:
    world = world_named("doped_ceria")

    assert made_fractions(world, {"Ce": 0.0}, np.random.default_rng(0)) == {"Ce": 0.0}


def test_missing_the_composition_spreads_the_outcomes_further() -> None:
    world = world_named("age_hardened_alloy")
    asked = {"Co": 0.25, "Cr": 0.2, "Fe": 0.2, "Ni": 0.3, "Al": 0.03, "Ti": 0.02}
    rng = np.random.default_rng(4)

    costs = [outcomes_as_asked(world, asked, rng)["cost_usd_per_kg"] for _ in range(50)]

    assert world.noise_sd["cost_usd_per_kg"] == 0.0
    assert np.std(costs) > 0.0
