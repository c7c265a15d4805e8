"""What stays on the walls, what rinsing does to it, and what a drift does to outcomes."""

import math

import numpy as np
import pytest

from drivers.clock import VirtualClock
from orchestrator.core.drift import drift_conditions
from orchestrator.log.memory_log import MemoryLog
from simulators.bench import Bench
from simulators.cells import FourPointProbe, cell_for
from simulators.plumbing import Plumbing, Substance, Vessel
from simulators.worlds.world import world_named
from tests.support.driver_rig import rig_of_all_drivers
from tests.support.dry_runs import DryRun, oer_campaign, oer_rig
from tests.support.virtual_time import in_virtual_time

FILM_UL = 20.0
REFERENCE = """
[reference]
every_n_experiments = 2
point = { x1 = 0.5, x2 = 0.5, x3 = 0.0, x4 = 0.0, x5 = 0.0, x6 = 0.0 }
[[reference.expected]]
name = "overpotential_v"
value = {value}
tolerance = 0.02
"""
HALF = {"x1": 0.5, "x2": 0.5, "x3": 0.0, "x4": 0.0, "x5": 0.0, "x6": 0.0}


def plumbing_with(film_ul: float) -> Plumbing:
    vessels = {
        "acid": Vessel(math.inf, is_sealed=True, contents={"acid": 1e6}),
        "salt": Vessel(math.inf, is_sealed=True, contents={"salt": 1e6}),
        "pot": Vessel(50_000.0, is_sealed=False),
    }
    substances = {"acid": Substance(1.0, 1.0), "salt": Substance(1.0, 2.0)}
    return Plumbing(vessels, substances, film_ul=film_ul)


def filled(plumbing: Plumbing, stock: str, volume_ul: float) -> None:
    plumbing.pour("pot", plumbing.draw(stock, volume_ul, 0.0), 0.0)


def test_without_a_film_nothing_is_carried_over() -> None:
    plumbing = plumbing_with(0.0)

    filled(plumbing, "acid", 1000.0)
    drawn = plumbing.draw("pot", math.inf, 0.0)
    filled(plumbing, "salt", 1000.0)

    assert drawn == {"acid": 1000.0}
    assert plumbing.fractions("pot") == {"salt": 1.0}


def test_the_film_mixes_into_the_next_sample() -> None:
    plumbing = plumbing_with(FILM_UL)

    filled(plumbing, "acid", 1000.0)
    drawn = plumbing.draw("pot", math.inf, 0.0)
    assert drawn["acid"] == pytest.approx(1000.0 - FILM_UL)
    assert plumbing.vessel("pot").volume_ul == 0.0
    assert plumbing.mass_g("pot") == pytest.approx(FILM_UL * 1e-3)

    filled(plumbing, "salt", 980.0)
    assert plumbing.fractions("pot")["acid"] == pytest.approx(0.02)
    assert plumbing.vessel("pot").filling == 2


def test_each_rinse_thins_it() -> None:
    plumbing = plumbing_with(FILM_UL)
    filled(plumbing, "acid", 1000.0)
    plumbing.draw("pot", math.inf, 0.0)

    for _ in range(2):
        filled(plumbing, "salt", 980.0)
        plumbing.draw("pot", math.inf, 0.0)
    filled(plumbing, "salt", 980.0)

    assert plumbing.fractions("pot")["acid"] == pytest.approx(0.02**3)


def test_what_is_drawn_step_by_step_leaves_the_same_film() -> None:
    plumbing = plumbing_with(FILM_UL)
    filled(plumbing, "acid", 1000.0)

    drawn = [plumbing.draw("pot", 70.0, 0.0).get("acid", 0.0) for _ in range(20)]

    assert math.fsum(drawn) == pytest.approx(1000.0 - FILM_UL)
    assert plumbing.vessel("pot").film == {"acid": pytest.approx(FILM_UL)}


def test_the_rig_file_says_how_much() -> None:
    rig = rig_of_all_drivers()
    rig["simulation"]["film_ul"] = FILM_UL

    async def main(clock: VirtualClock) -> dict[str, float]:
        plumbing = Bench.from_rig(rig, clock, seed=1).plumbing
        plumbing.pour("vessel", {"x1": 500.0}, 0.0)
        plumbing.draw("vessel", math.inf, 0.0)
        return plumbing.vessel("vessel").film

    assert in_virtual_time(main) == {"x1": pytest.approx(FILM_UL)}


@pytest.mark.parametrize(("days", "factor"), [(0.0, 1.0), (5.0, 1.1)])
def test_a_drift_grows_with_the_days(days: float, factor: float) -> None:
    world = world_named("doped_ceria")
    readings = []
    for drift_per_day in (0.0, 0.02):
        vessels = {"pellet": Vessel(50_000.0, is_sealed=False)}
        plumbing = Plumbing(vessels, dict.fromkeys(world.components, Substance(1.0, 1.0)))
        cell = cell_for(
            world, plumbing, "pellet", (1,), np.random.default_rng(1), drift_per_day=drift_per_day
        )
        assert isinstance(cell, FourPointProbe)
        plumbing.pour("pellet", {"Ce": 900.0, "Gd": 100.0}, days * 86_400.0)
        outcome = cell._sample.outcome()
        assert outcome is not None
        readings.append(outcome)

    assert readings[1] / readings[0] == pytest.approx(factor)


@pytest.mark.parametrize("drift_per_day", [0.0, 0.5])
def test_reference_samples_find_the_drift(drift_per_day: float) -> None:
    rig = oer_rig()
    drifting = rig.simulation.model_copy(update={"drift_per_day": drift_per_day})
    usual = world_named("oer_plate_3496").true_outcomes(HALF)["overpotential_v"]
    campaign = oer_campaign(max_experiments=12, more=REFERENCE.replace("{value}", f"{usual}"))
    run = DryRun(MemoryLog(), campaign, rig.model_copy(update={"simulation": drifting}))
    run.open()

    state = run.drive()

    assert bool(drift_conditions(state)) is (drift_per_day > 0.0)
