"""What every world keeps to, whoever wrote it; a world is tested by being installed."""

from importlib.metadata import entry_points

import numpy as np
import pytest

from drivers.errors import RigError
from simulators.errors import OffTheMap
from simulators.worlds import World, world_named

KNOWN = {
    "nimo_al_si_zn": ({"Al": 0.12, "Zn": 0.88}, {"liquidus_k": 656.14}),
    "nimo_cu_mg_zn": ({"Mg": 0.72, "Zn": 0.28}, {"liquidus_k": 629.17}),
    "oer_plate_3496": (
        {"x1": 0.6, "x2": 0.2, "x4": 0.1, "x5": 0.1},
        {"overpotential_v": 0.340246},
    ),
}
"""One row of each world's table, copied by hand from its file."""
NAMES = sorted(entry_points(group="athanor.worlds").names)

every_world = pytest.mark.parametrize("world", [world_named(name) for name in NAMES], ids=NAMES)


def test_every_world_has_a_known_row() -> None:
    assert set(NAMES) == set(KNOWN)


@every_world
def test_a_world_bears_the_name_of_its_entry_point(world: World) -> None:
    assert world.name in NAMES
    assert len(world.components) == len(set(world.components)) >= 2
    assert world.transducer in {"electrode", "thermocouple"}


@every_world
def test_a_known_row_comes_back(world: World) -> None:
    fractions, outcomes = KNOWN[world.name]

    assert world.true_outcomes(fractions) == pytest.approx(outcomes)
    assert world.noise_sd.keys() == outcomes.keys()


@every_world
def test_a_composition_within_reach_takes_the_nearest_row(world: World) -> None:
    fractions, outcomes = KNOWN[world.name]
    first, second, *_ = fractions
    nearby = {**fractions, first: fractions[first] + 0.019, second: fractions[second] - 0.019}

    assert world.true_outcomes(nearby) == pytest.approx(outcomes)


@every_world
@pytest.mark.parametrize("fractions", [{}, {"unobtainium": 1.0}])
def test_off_the_map_there_is_no_answer(world: World, fractions: dict[str, float]) -> None:
    with pytest.raises(OffTheMap, match=world.name):
        world.true_outcomes(fractions)
    with pytest.raises(OffTheMap):
        world.outcomes(fractions, np.random.default_rng(0))


@every_world
@pytest.mark.parametrize("wrong", [0.94, 1.06, float("nan"), float("inf")])
def test_a_composition_out_of_reach_is_off_the_map(world: World, wrong: float) -> None:
    with pytest.raises(OffTheMap):
        world.true_outcomes({world.components[0]: wrong})


@every_world
def test_noise_has_the_declared_spread_and_no_bias(world: World) -> None:
    fractions, outcomes = KNOWN[world.name]
    rng = np.random.default_rng(5)

    drawn = [world.outcomes(fractions, rng) for _ in range(1000)]

    for name, true in outcomes.items():
        values = np.array([sample[name] for sample in drawn])
        sd = world.noise_sd[name]
        assert values.std() == pytest.approx(sd, rel=0.1)
        assert abs(values.mean() - true) < 4 * sd / np.sqrt(1000)


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
