"""Doped ceria gives the conductivities that its constants were quoted with."""

import pytest

from simulators.worlds.doped_ceria import DopedCeria


@pytest.mark.parametrize(
    ("fractions", "activation_ev", "at_500_c_s_per_cm"),
    [
        ({"Ce": 0.9, "Gd": 0.1}, 0.64, 0.0095),
        ({"Ce": 0.8, "Gd": 0.2}, 0.78, 0.0053),
        ({"Ce": 0.9, "Sm": 0.1}, 0.66, 0.0033),
        ({"Ce": 0.887, "Y": 0.113}, 0.87, 0.0087),
    ],
)
def test_the_quoted_compositions_come_out(
    fractions: dict[str, float], activation_ev: float, at_500_c_s_per_cm: float
) -> None:
    world = DopedCeria()

    assert world.activation_energy_ev(fractions) == pytest.approx(activation_ev)
    conductivity = world.conductivity_s_per_cm(fractions, 500.0)
    assert conductivity == pytest.approx(at_500_c_s_per_cm, rel=0.02)
    assert world.true_outcomes(fractions)["resistivity_ohm_m"] == pytest.approx(0.01 / conductivity)


def test_warmer_ceria_conducts_better_by_its_activation_energy() -> None:
    world = DopedCeria()
    fractions = {"Ce": 0.9, "Gd": 0.1}

    assert world.temperature_factor(fractions, 500.0) == pytest.approx(1.0)
    assert world.temperature_factor(fractions, 600.0) < 0.5
    assert DopedCeria(600.0).true_outcomes(fractions)["resistivity_ohm_m"] == pytest.approx(
        world.true_outcomes(fractions)["resistivity_ohm_m"]
        * world.temperature_factor(fractions, 600.0)
    )


def best_gd(temperature_c: float) -> float:
    world = DopedCeria(temperature_c)
    shares = [one / 200 for one in range(4, 60)]
    return min(
        shares,
        key=lambda share: world.true_outcomes({"Ce": 1 - share, "Gd": share})["resistivity_ohm_m"],
    )


def test_the_best_share_of_gadolinium_rises_with_the_temperature() -> None:
    assert best_gd(500.0) == pytest.approx(0.1)
    assert best_gd(900.0) > 0.13


def test_a_temperature_at_which_nobody_measures_is_refused() -> None:
    with pytest.raises(ValueError, match="temperature_c: got 20"):
        DopedCeria(20.0)
