"""From the wire to the value: drivers, pretend bench and analyses together find the truth."""

import numpy as np
import pytest

from drivers.clock import VirtualClock
from orchestrator.execution.analyses import AnalysisResult, Quality
from orchestrator.execution.analyses.composition_by_mass import CompositionByMass
from orchestrator.execution.analyses.liquidus_from_cooling import LiquidusFromCooling
from orchestrator.execution.analyses.overpotential_from_sweep import OverpotentialFromSweep
from simulators.worlds import world_named
from tests.support.bench_hand import BenchHand
from tests.support.pretend_bench import oer_rig, run_virtually

OXIDES = [
    {"x1": 0.6, "x2": 0.2, "x4": 0.1, "x5": 0.1},
    {"x1": 0.7, "x2": 0.2, "x5": 0.1},
    {"x3": 0.4, "x5": 0.4, "x6": 0.2},
    {"x3": 0.1, "x4": 0.9},
    {"x1": 1.0},
    {"x2": 0.1, "x4": 0.3, "x5": 0.3, "x6": 0.3},
]
ALLOYS = [
    {"Al": 0.12, "Zn": 0.88},
    {"Al": 1.0},
    {"Al": 0.2, "Si": 0.2, "Zn": 0.6},
    {"Al": 0.12, "Si": 0.76, "Zn": 0.12},
    {"Zn": 1.0},
]

BY_MASS = CompositionByMass.from_settings({"expected_volume_ml": 2.0})


async def measure_oxides(clock: VirtualClock) -> list[tuple[AnalysisResult, AnalysisResult]]:
    sweep = OverpotentialFromSweep.from_settings({"job": "sweep", "series_resistance_ohm": 2.0})
    hand = await BenchHand.connected(oer_rig(), clock, seed=5)
    results = []
    for fractions in OXIDES:
        await hand.dose(fractions)
        await hand.do(
            "sweep",
            "source_meter",
            "measure_current_sweep",
            start_ma=1,
            stop_ma=50,
            n_points=25,
            dwell_s=5,
            voltage_limit_v=4,
        )
        await hand.drain()
        sample = hand.sample(fractions)
        results.append((BY_MASS.analyse(sample), sweep.analyse(sample)))
    await hand.close()
    return results


@pytest.mark.slow
def test_overpotentials_and_compositions_are_those_of_the_plate() -> None:
    world = world_named("oer_plate_3496")

    results = run_virtually(measure_oxides)

    errors_v = []
    for fractions, (by_mass, by_sweep) in zip(OXIDES, results, strict=True):
        assert by_mass.quality is by_sweep.quality is Quality.GOOD
        assert by_mass.fractions is not None
        assert sum(by_mass.fractions.values()) == pytest.approx(1.0)
        for name, made in by_mass.fractions.items():
            assert made == pytest.approx(fractions.get(name, 0.0), abs=0.01)
            assert (made == 0.0) == (name not in fractions)
        estimate = by_sweep.values["overpotential_v"]
        errors_v.append(estimate.value - world.true_outcomes(fractions)["overpotential_v"])
        assert 0.0 < estimate.sd < 0.0005
    assert abs(np.mean(errors_v)) < 0.002
    assert np.abs(errors_v).max() < 0.005


def alloy_rig() -> dict[str, object]:
    rig = oer_rig()
    rig["simulation"]["world"] = "nimo_al_si_zn"
    for element, oxide in {"Al": "x1", "Si": "x2", "Zn": "x3"}.items():
        rig["stock"][element] = {**rig["stock"][oxide], "density_g_per_ml": 1.02}
        pump = rig["instruments"].pop(f"pump_{oxide}")
        rig["instruments"][f"pump_{element}"] = {**pump, "draws_from": element}
    rig["stock"]["Zn"]["density_g_per_ml"] = 1.06
    for unused in ("x1", "x2", "x3", "x4", "x5", "x6"):
        del rig["stock"][unused]
        rig["instruments"].pop(f"pump_{unused}", None)
    return rig


@pytest.mark.slow
def test_liquidus_temperatures_are_those_of_the_table() -> None:
    async def main(clock: VirtualClock) -> list[tuple[AnalysisResult, AnalysisResult]]:
        cooling = LiquidusFromCooling.from_settings({"job": "cool"})
        hand = await BenchHand.connected(alloy_rig(), clock, seed=5)
        results = []
        for fractions in [*ALLOYS, {"Si": 1.0}]:
            await hand.dose(fractions)
            await hand.do(
                "cool", "source_meter", "measure_voltage_trace", n_readings=180, interval_s=1
            )
            await hand.drain()
            sample = hand.sample(fractions)
            results.append((BY_MASS.analyse(sample), cooling.analyse(sample)))
        await hand.close()
        return results

    world = world_named("nimo_al_si_zn")

    *results, (_, too_hot) = run_virtually(main)

    for fractions, (by_mass, by_cooling) in zip(ALLOYS, results, strict=True):
        assert by_mass.quality is by_cooling.quality is Quality.GOOD, by_cooling.reason
        assert by_mass.fractions == pytest.approx(
            {name: fractions.get(name, 0.0) for name in ("Al", "Si", "Zn")}, abs=0.01
        )
        truth_k = world.true_outcomes(fractions)["liquidus_k"]
        estimate = by_cooling.values["liquidus_k"]
        assert estimate.value == pytest.approx(truth_k, abs=4.0)
        assert 0.5 <= estimate.sd < 0.7
    assert too_hot.quality is Quality.BAD
    assert "overflow" in too_hot.reason
