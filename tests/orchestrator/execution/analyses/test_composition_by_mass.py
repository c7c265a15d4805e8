"""The composition that was made is what the balance bears out, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution.analyses import Quality, SampleRecord, StockFacts
from orchestrator.execution.analyses.composition_by_mass import CompositionByMass

STOCK = {
    "a": StockFacts(concentration_mol_per_l=1.0, density_g_per_ml=1.0),
    "b": StockFacts(concentration_mol_per_l=3.0, density_g_per_ml=1.5),
    "c": StockFacts(concentration_mol_per_l=0.5, density_g_per_ml=0.8),
}
BY_MASS = CompositionByMass.from_settings({"expected_volume_ml": 2.0})


def sample(
    masses_g: dict[str, float | str],
    *,
    point: dict[str, float | str] | None = None,
    stock: dict[str, StockFacts] = STOCK,
) -> SampleRecord:
    readings = {f"weigh_{name}": {"mass_g": mass_g} for name, mass_g in masses_g.items()}
    asked = dict.fromkeys(masses_g, 0.5) if point is None else point
    full = {**dict.fromkeys("abc", 0.0), **asked}
    return SampleRecord(full, ("a", "b", "c"), {"tare": {"tare_g": 25.0}, **readings}, stock)


def test_masses_become_moles_by_density_and_concentration() -> None:
    result = BY_MASS.analyse(sample({"a": 1.5, "b": 1.5 + 0.75}))

    assert result.quality is Quality.GOOD
    assert result.values == {}
    assert result.fractions == pytest.approx({"a": 0.5, "b": 0.5, "c": 0.0})
    assert result.fractions is not None
    assert result.fractions["c"] == 0.0
    assert "2 doses weighed 2.2500 g" in result.reason


@given(st.lists(st.floats(0.05, 1.0), min_size=3, max_size=3))
def test_fractions_are_those_of_the_volumes_whatever_they_are(parts: list[float]) -> None:
    volumes_ml = [2.0 * part / sum(parts) for part in parts]
    mass_g = 0.0
    masses_g: dict[str, float | str] = {}
    for (name, facts), volume_ml in zip(STOCK.items(), volumes_ml, strict=True):
        mass_g += volume_ml * facts.density_g_per_ml
        masses_g[name] = mass_g
    moles = [
        volume_ml * facts.concentration_mol_per_l
        for facts, volume_ml in zip(STOCK.values(), volumes_ml, strict=True)
    ]

    result = BY_MASS.analyse(sample(masses_g))

    assert result.fractions is not None
    assert sum(result.fractions.values()) == pytest.approx(1.0)
    assert list(result.fractions.values()) == pytest.approx([n / sum(moles) for n in moles])


@pytest.mark.parametrize(
    ("masses_g", "reason"),
    [
        ({"a": 1.5, "b": 1.2}, "dose of b weighs -0.3000 g"),
        ({"a": -27.0, "b": -26.0}, "dose of a weighs -27.0000 g"),
        ({"a": 1.5, "b": 1.8}, "all doses weigh 1.8000 g, expected"),
        ({"a": 1.5, "b": 4.5}, "all doses weigh 4.5000 g, expected"),
        ({"a": 0.0, "b": 0.0}, "nothing was dosed"),
        ({"a": 1.5, "b": "heavy"}, "job weigh_b gave no mass_g"),
        ({"a": 1.5, "b": 9.9e37}, "mass_g of job weigh_b overflowed"),
        ({"a": 1.5, "b": float("nan")}, "mass_g of job weigh_b overflowed"),
        ({}, "nothing was dosed"),
    ],
)
def test_masses_that_do_not_add_up_are_bad(masses_g: dict[str, float | str], reason: str) -> None:
    result = BY_MASS.analyse(sample(masses_g))

    assert result.quality is Quality.BAD
    assert result.fractions is None
    assert reason in result.reason


def test_a_dose_that_was_asked_and_not_weighed_is_bad() -> None:
    result = BY_MASS.analyse(sample({"a": 2.0}, point={"a": 0.5, "b": 0.5}))

    assert result.reason == "job weigh_b gave no mass_g"


def test_a_dose_that_was_not_asked_counts_all_the_same() -> None:
    result = BY_MASS.analyse(sample({"a": 1.5, "b": 2.25}, point={"a": 1.0}))

    assert result.fractions == pytest.approx({"a": 0.5, "b": 0.5, "c": 0.0})


def test_a_dose_within_the_noise_below_zero_is_nothing() -> None:
    result = BY_MASS.analyse(sample({"a": 2.0, "b": 1.9998}))

    assert result.fractions == {"a": 1.0, "b": 0.0, "c": 0.0}


def test_a_sample_without_tare_or_stock_is_bad() -> None:
    untared = SampleRecord({"a": 1.0}, ("a",), {"weigh_a": {"mass_g": 2.0}}, STOCK)

    assert BY_MASS.analyse(untared).reason == "job tare gave no readings"
    assert "no stock named a" in BY_MASS.analyse(sample({"a": 2.0}, stock={})).reason


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"expected_volume_ml": 0},
        {"expected_volume_ml": 2.0, "tolerance_fraction": 1.5},
        {"expected_volume_ml": 2.0, "job": "weigh"},
        {"expected_volume_ml": 2.0, "colour": "red"},
        {"expected_volume_ml": float("inf")},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        CompositionByMass.from_settings(settings)


def test_it_gives_no_values() -> None:
    assert BY_MASS.values_given() == ()
