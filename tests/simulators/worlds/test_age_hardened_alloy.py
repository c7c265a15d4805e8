"""The alloy is as strong as the papers' alloys, and ages as alloys do."""

import pytest

from simulators.worlds.age_hardened_alloy import AgeHardenedAlloy
from simulators.worlds.strengthening import Matrix, solute_strength_mpa

EQUAL_PARTS = dict.fromkeys(["Co", "Cr", "Fe", "Mn", "Ni"], 0.2)
HARDENED = {**dict.fromkeys(["Co", "Cr", "Fe", "Ni"], 0.235), "Al": 0.04, "Ti": 0.02}


def strength_mpa(temperature_c: float, time_h: float) -> float:
    return AgeHardenedAlloy(temperature_c, time_h).true_outcomes(HARDENED)["yield_strength_mpa"]


def test_the_equal_parts_of_five_metals_yield_as_the_theory_was_found_to_say() -> None:
    measured_constants = Matrix(80e9, 0.265, 2.556e-10, 0.4294e-60)

    assert solute_strength_mpa(measured_constants, 293.0) == pytest.approx(125.0, rel=0.02)
    assert solute_strength_mpa(measured_constants, 1000.0) < 40.0


def test_a_pure_metal_has_no_solutes_to_harden_it() -> None:
    outcomes = AgeHardenedAlloy().true_outcomes({"Ni": 1.0})

    assert outcomes["yield_strength_mpa"] == pytest.approx(70.0)
    assert outcomes["density_g_per_cm3"] == pytest.approx(8.908, rel=0.01)
    assert outcomes["cost_usd_per_kg"] == pytest.approx(17.0)


def test_without_aluminium_and_titanium_nothing_comes_out() -> None:
    young, old = AgeHardenedAlloy(750.0, 0.0), AgeHardenedAlloy(750.0, 1000.0)

    assert old.particles(EQUAL_PARTS).volume_fraction == 0.0
    assert old.true_outcomes(EQUAL_PARTS) == young.true_outcomes(EQUAL_PARTS)


def test_eighteen_hours_at_800_degrees_bring_the_particles_that_were_found() -> None:
    particles = AgeHardenedAlloy(800.0, 18.0).particles(HARDENED)

    assert particles.volume_fraction == pytest.approx(0.225, abs=0.005)
    assert particles.radius_m == pytest.approx(13e-9, rel=0.02)


def test_ageing_hardens_until_it_is_too_much() -> None:
    assert strength_mpa(750.0, 0.0) < strength_mpa(750.0, 0.1) < strength_mpa(750.0, 16.0)
    assert strength_mpa(900.0, 1000.0) < strength_mpa(900.0, 256.0)


def test_cold_ageing_takes_longer() -> None:
    assert strength_mpa(650.0, 1.0) < strength_mpa(700.0, 1.0) < strength_mpa(750.0, 1.0)


@pytest.mark.parametrize(("temperature_c", "time_h"), [(20.0, 1.0), (750.0, -1.0)])
def test_an_oven_that_nobody_has_is_refused(temperature_c: float, time_h: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        AgeHardenedAlloy(temperature_c, time_h)
