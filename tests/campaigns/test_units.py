"""Units are the longest suffix that fits."""

import pytest

from campaigns.units import unit_suffix


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("volume_ul", "ul"),
        ("rate_ul_per_min", "ul_per_min"),
        ("rate_ul_per_s", "ul_per_s"),
        ("temperature_c", "c"),
        ("current_density_ma_per_cm2", "ma_per_cm2"),
        ("metal_cost_usd_per_mol", "usd_per_mol"),
        ("price_usd", "usd"),
        ("yield_fraction", "fraction"),
        ("x1", None),
        ("Li", None),
        ("c", None),
        ("y0", None),
        ("n_readings", None),
        ("per_min", "min"),
    ],
)
def test_a_name_says_its_unit(name: str, unit: str | None) -> None:
    assert unit_suffix(name) == unit
