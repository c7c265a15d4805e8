"""What every world keeps to, whoever wrote it; a world is tested by being installed."""

from importlib.metadata import entry_points
from typing import get_args

import numpy as np
import pytest

from drivers.errors import RigError
from simulators.errors import OffTheMap, SynthesisFailed
from simulators.worlds import Transducer, World, world_named

KNOWN = {
    "age_hardened_alloy": (
        {"Co": 0.2, "Cr": 0.2, "Fe": 0.2, "Mn": 0.2, "Ni": 0.2},
        {
            "yield_strength_mpa": 202.7041,
            "density_g_per_cm3": 7.889248,
            "cost_usd_per_kg": 12.839745,
        },
    ),
    "doped_ceria": ({"Ce": 0.9, "Gd": 0.1}, {"resistivity_ohm_m": 1.053604}),
    "nimo_al_si_zn": ({"Al": 0.12, "Zn": 0.88}, {"liquidus_k": 656.14}),
    "nimo_cu_mg_zn": ({"Mg": 0.72, "Zn": 0.28}, {"liquidus_k": 629.17}),
    "oer_plate_3496": (
        {"x1": 0.6, "x2": 0.2, "x4": 0.1, "x5": 0.1},
        {"overpotential_v": 0.340246},
    ),
    "opv_photodegradation": (
        {"PCBM": 0.3, "oIDTBR": 0.7},
        {"photodegradation": 0.463890},
    ),
    "perovskite_instability": (
        {"FAPbI": 0.75, "MAPbI": 0.25},
        {"instability_index": 877023.25},
    ),
}
"""A composition of each world and its outcomes: a row of the table copied by hand from its file,
for emulators and formulas what they gave when they were checked against their source."""
FAILING: dict[str, dict[str, float]] = {
    "age_hardened_alloy": {"Cr": 0.5, "Fe": 0.5},
    "doped_ceria": {"Ce": 0.6, "Gd": 0.4},
}
"""A composition in the failure region of each world that declares one."""
TABLES = ["nimo_al_si_zn", "nimo_cu_mg_zn", "oer_plate_3496"]
NAMES = sorted(entry_points(group="athanor.worlds").names)

every_world = pytest.mark.parametrize("world", [world_named(name) for name in NAMES], ids=NAMES)


def test_every_world_has_a_known_composition() -> None:
    assert set(NAMES) == set(KNOWN)


@every_world
def test_a_world_bears_the_name_of_its_entry_point(world: World) -> None:
    assert world.name in NAMES
    assert len(world.components) == len(set(world.components)) >= 2
    assert world.transducer in get_args(Transducer)


@every_world
def test_what_a_world_declares_of_itself_can_be_true(world: World) -> None:
    assert all(sd >= 0.0 for sd in world.noise_sd.values())
    assert 0.0 <= world.tolerance < 1.0
    assert 0.0 <= world.made_sd < 0.1
    assert world.transducer == "none" or len(world.noise_sd) == 1
    assert bool(world.failure_region) == (world.name in FAILING)


@every_world
def test_a_known_composition_comes_back(world: World) -> None:
    fractions, outcomes = KNOWN[world.name]

    assert world.true_outcomes(fractions) == pytest.approx(outcomes, rel=1e-5)
    assert world.noise_sd.keys() == outcomes.keys()


@pytest.mark.parametrize("name", TABLES)
def test_a_composition_within_the_tolerance_takes_the_nearest_row(name: str) -> None:
    world = world_named(name)
    fractions, outcomes = KNOWN[name]
    first, second, *_ = fractions
    nearby = {**fractions, first: fractions[first] + 0.019, second: fractions[second] - 0.019}

    assert world.tolerance == 0.03
    assert world.true_outcomes(nearby) == pytest.approx(outcomes)


@every_world
@pytest.mark.parametrize("fractions", [{}, {"unobtainium": 1.0}])
def test_off_the_map_there_is_no_answer(world: World, fractions: dict[str, float]) -> None:
    with pytest.raises(OffTheMap, match=world.name):
        world.true_outcomes(fractions)
    with pytest.raises(OffTheMap):
        world.outcomes(fractions, np.random.default_rng(0))


@every_world
@pytest.mark.parametrize("wrong", [0.94, 1.06, float("nan"), float("inf"), -1.0])
def test_a_composition_out_of_reach_is_off_the_map(world: World, wrong: float) -> None:
    with pytest.raises(OffTheMap):
        world.true_outcomes({world.components[0]: wrong})


@pytest.mark.parametrize(("name", "fractions"), FAILING.items())
def test_in_the_failure_region_there_is_no_sample(name: str, fractions: dict[str, float]) -> None:
    world = world_named(name)

    with pytest.raises(SynthesisFailed, match=name):
        world.true_outcomes(fractions)
    with pytest.raises(SynthesisFailed):
        world.outcomes(fractions, np.random.default_rng(0))


@every_world
def test_noise_has_the_declared_spread_and_no_bias(world: World) -> None:
    fractions, outcomes = KNOWN[world.name]
    rng = np.random.default_rng(5)

    drawn = [world.outcomes(fractions, rng) for _ in range(1000)]

    for name, true in outcomes.items():
        values = np.array([sample[name] for sample in drawn])
        sd = world.noise_sd[name]
        assert values.std() == pytest.approx(sd, rel=0.1, abs=1e-9 * abs(true))
        assert abs(values.mean() - true) <= 4 * sd / np.sqrt(1000) + 1e-6 * abs(true)


@every_world
def test_the_same_seed_gives_the_same_sample(world: World) -> None:
    fractions, _ = KNOWN[world.name]

    first, second = (world.outcomes(fractions, np.random.default_rng(3)) for _ in range(2))

    assert first == second


def test_an_unknown_world_is_a_mistake_of_the_rig_file() -> None:
    with pytest.raises(RigError, match=r"simulation\.world: got 'atlantis'"):
        world_named("atlantis")


def test_too_many_components_at_once_are_off_the_plate() -> None:
    plate = world_named("oer_plate_3496")

    with pytest.raises(OffTheMap, match="nearest row"):
        plate.true_outcomes({f"x{number}": 1 / 6 for number in range(1, 7)})
