"""The composition that was made is what each dose weighed, by mass or by mole."""

import pytest

from orchestrator.execution.analyses import Quality, SampleRecord
from orchestrator.execution.analyses.composition_by_doses import CompositionByDoses

MOLAR = {"a": 10.0, "b": 30.0, "c": 20.0}


def sample(masses_mg: dict[str, object], point: dict[str, float] | None = None) -> SampleRecord:
    readings = {f"dose_{name}": {"mass_dosed_mg": mass} for name, mass in masses_mg.items()}
    asked = dict.fromkeys(masses_mg, 0.5) if point is None else point
    full = {**dict.fromkeys("abc", 0.0), **asked}
    return SampleRecord(full, ("a", "b", "c"), readings, {})  # type: ignore[arg-type]


def test_without_molar_masses_fractions_are_by_mass() -> None:
    result = CompositionByDoses.from_settings({}).analyse(sample({"a": 30.0, "b": 10.0}))

    assert result.fractions == pytest.approx({"a": 0.75, "b": 0.25, "c": 0.0})
    assert result.values == {}


def test_with_molar_masses_they_are_by_mole() -> None:
    analysis = CompositionByDoses.from_settings({"molar_mass_g_per_mol": MOLAR})

    result = analysis.analyse(sample({"a": 10.0, "b": 30.0, "c": 40.0}))

    assert result.fractions == pytest.approx({"a": 0.25, "b": 0.25, "c": 0.5})


@pytest.mark.parametrize(
    ("masses_mg", "point", "word"),
    [
        ({"a": 10.0}, {"a": 0.5, "b": 0.5}, "dose_b"),
        ({"a": 10.0, "b": -0.1}, None, "nothing fell"),
        ({}, {}, "nothing was dosed"),
        ({"a": "much"}, None, "mass_dosed_mg"),
    ],
)
def test_doses_that_are_missing_or_empty_are_bad_quality(
    masses_mg: dict[str, object], point: dict[str, float] | None, word: str
) -> None:
    result = CompositionByDoses.from_settings({}).analyse(sample(masses_mg, point))

    assert result.quality is Quality.BAD
    assert word in result.reason


def test_a_component_without_a_molar_mass_is_named() -> None:
    analysis = CompositionByDoses.from_settings({"molar_mass_g_per_mol": {"a": 10.0, "b": 30.0}})

    result = analysis.analyse(sample({"a": 10.0}))

    assert result.quality is Quality.BAD
    assert "c" in result.reason


@pytest.mark.parametrize("wrong", [{"job": "dose"}, {"molar_mass_g_per_mol": {"a": 0.0}}, {"x": 1}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="1 validation error"):
        CompositionByDoses.from_settings(wrong)
