"""Quantities as people write them: converted exactly, or refused, never taken for another."""

import pytest

from campaigns.units import SUFFIXES
from orchestrator.errors import RequestRefused
from orchestrator.service.quantities import Quantity, quantity_from


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("overpotential_v", "0.351", Quantity(0.351)),
        ("overpotential_v", "351 mV", Quantity(0.351)),
        ("overpotential_v", "351mV", Quantity(0.351)),
        ("overpotential_v", "351±2 mV", Quantity(0.351, 0.002)),
        ("overpotential_v", "351 +- 2 mV", Quantity(0.351, 0.002)),
        ("overpotential_v", "0.351±0.002 V", Quantity(0.351, 0.002)),
        ("overpotential_v", "-3.51e2 mV", Quantity(-0.351)),
        ("current_ma_per_cm2", "0.01 A/cm²", Quantity(10.0)),
        ("current_ma_per_cm2", "100 A/m2", Quantity(10.0)),
        ("density_g_per_cm3", "2700 kg/m³", Quantity(2.7)),
        ("yield_fraction", "93.5 %", Quantity(0.935)),
        ("traces_ppm", "0.01%", Quantity(100.0)),
        ("strength_mpa", "0.2 GPa", Quantity(200.0)),
        ("wait_s", "2 min", Quantity(120.0)),
        ("conductivity_s_per_cm", "12 mS/cm", Quantity(0.012)),
        ("volume_ul", "1.5 mL", Quantity(1500.0)),
        ("hardness_hv", "180±3 HV", Quantity(180.0, 3.0)),
        ("conduct_w_per_m_k", "1.5 W/(m·K)", Quantity(1.5)),
        ("liquidus_k", "850 K", Quantity(850.0)),
        ("y", "1.5", Quantity(1.5)),
    ],
)
def test_a_quantity_is_read_in_the_unit_of_its_name(name, text, expected):
    assert quantity_from(name, text) == expected


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("overpotential_v", "351 mA", "got the unit 'mA', expected V or mV"),
        ("overpotential_v", "351 MV", "got the unit 'MV', expected V or mV"),
        ("strength_mpa", "3 mPa", "got the unit 'mPa', expected MPa or Pa"),
        ("liquidus_k", "577 °C", "got the unit '°C', expected K"),
        ("rate_ul_per_min", "3 ml", "got the unit 'ml', expected µl/min"),
        ("wait_s", "3 S", "got the unit 'S', expected s or ms or min"),
        ("conduct_w_per_m_k", "3 W", "got the unit 'W', expected W/.m·K."),
        ("y", "3 V", "the name says no unit"),
        ("overpotential_v", "0,351", "expected a number such as"),
        ("overpotential_v", "high", "expected a number such as"),
        ("overpotential_v", "nan", "expected a number such as"),
        ("overpotential_v", "0.3±-0.1", "expected a number such as"),
        ("overpotential_v", "1e999", "expected a finite number"),
        ("overpotential_v", "1e999999999", "got the unit 'e999999999'"),
        ("overpotential_v", "", "expected a number such as"),
    ],
)
def test_what_does_not_fit_is_refused(name, text, message):
    with pytest.raises(RequestRefused, match=message):
        quantity_from(name, text)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_unit_of_names_is_understood_as_itself(suffix):
    assert quantity_from(f"x_{suffix}", f"1.25 {suffix}") == Quantity(1.25)
