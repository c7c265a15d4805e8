"""A melt that stands still gives its liquidus; one that does not gives nothing."""

import math

import numpy as np
import pytest

from orchestrator.execution.analyses import Quality, SampleRecord
from orchestrator.execution.analyses.liquidus_from_cooling import (
    LiquidusFromCooling,
    type_k_temperature_c,
)
from simulators.thermocouple import type_k_voltage_v

FROM_COOLING = LiquidusFromCooling.from_settings({"job": "cool"})
TIMES_S = np.arange(180.0)


def traced(temperatures_k: np.ndarray, *, times_s: np.ndarray = TIMES_S) -> SampleRecord:
    voltages = tuple(type_k_voltage_v(kelvin - 273.15) for kelvin in temperatures_k)
    readings = {"time_s": tuple(times_s), "voltage_v": voltages}
    return SampleRecord({}, (), {"cool": readings}, {})


def curve_k(liquidus_k: float, *, superheat_k: float = 40.0, arrest_s: float = 45.0) -> np.ndarray:
    """A melt that loses 0.7 K/s but for its arrest."""
    before_s = superheat_k / 0.7
    moving_s = np.where(
        before_s > TIMES_S, TIMES_S - before_s, np.maximum(0.0, TIMES_S - before_s - arrest_s)
    )
    return liquidus_k - 0.7 * moving_s


@pytest.mark.parametrize("liquidus_k", [500.0, 656.0, 1000.0, 1500.0])
def test_the_arrest_is_the_liquidus(liquidus_k: float) -> None:
    noise_k = np.random.default_rng(1).normal(0.0, 0.05, len(TIMES_S))

    result = FROM_COOLING.analyse(traced(curve_k(liquidus_k) + noise_k))

    assert result.quality is Quality.GOOD, result.reason
    estimate = result.values["liquidus_k"]
    assert estimate.value == pytest.approx(liquidus_k, abs=0.5)
    assert 0.5 <= estimate.sd < 0.6
    assert result.reason.startswith("arrest of 4")


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (traced(curve_k(700.0, arrest_s=0.0)), "no arrest"),
        (traced(curve_k(700.0, superheat_k=1.0)), "cooled by 1"),
        (traced(np.full(180, 700.0)), "no arrest"),
        (traced(curve_k(700.0)[:12], times_s=TIMES_S[:12]), "12 readings are too few"),
        (traced(curve_k(700.0), times_s=np.zeros(180)), "the times do not grow"),
        (traced(curve_k(700.0), times_s=TIMES_S[:-1]), "179 times, but 180 voltages"),
        (SampleRecord({}, (), {}, {}), "job cool gave no series time_s"),
    ],
)
def test_a_trace_without_a_clear_arrest_is_bad(sample: SampleRecord, reason: str) -> None:
    result = FROM_COOLING.analyse(sample)

    assert result.quality is Quality.BAD
    assert result.values == {}
    assert reason in result.reason


@pytest.mark.parametrize(
    ("voltage_v", "reason"), [(9.9e37, "overflowed"), (0.06, "type K"), (-0.01, "type K")]
)
def test_a_voltage_that_no_thermocouple_gives_is_bad(voltage_v: float, reason: str) -> None:
    good = traced(curve_k(700.0)).readings["cool"]
    voltages = good["voltage_v"]
    assert isinstance(voltages, tuple)
    readings = {**good, "voltage_v": (*voltages[:-1], voltage_v)}

    result = FROM_COOLING.analyse(SampleRecord({}, (), {"cool": readings}, {}))

    assert result.quality is Quality.BAD
    assert reason in result.reason


def test_a_noisy_arrest_is_not_trusted() -> None:
    noise_k = np.random.default_rng(1).normal(0.0, 2.0, len(TIMES_S))
    wide = LiquidusFromCooling.from_settings({"job": "cool", "window_points": 31})

    assert wide.analyse(traced(curve_k(700.0) + noise_k)).quality is Quality.BAD


@pytest.mark.parametrize("temperature_c", np.linspace(0.0, 1372.0, 50).tolist())
def test_the_inverse_function_undoes_the_reference_function(temperature_c: float) -> None:
    voltage_v = type_k_voltage_v(temperature_c)

    assert type_k_temperature_c(min(voltage_v, 54.886e-3)) == pytest.approx(temperature_c, abs=0.06)


def test_below_zero_the_published_table_holds() -> None:
    assert type_k_temperature_c(-5.891e-3) == pytest.approx(-200.0, abs=0.1)
    assert type_k_temperature_c(-3.554e-3) == pytest.approx(-100.0, abs=0.05)


def test_the_value_bears_the_name_that_was_chosen() -> None:
    named = LiquidusFromCooling.from_settings({"job": "cool", "value": "melting_k"})

    assert named.values_given() == ("melting_k",)
    assert math.isclose(
        named.analyse(traced(curve_k(700.0))).values["melting_k"].value, 700.0, abs_tol=0.5
    )


@pytest.mark.parametrize(
    "settings", [{}, {"job": "cool", "arrest_fraction": 1.0}, {"job": "cool", "speed": 1}]
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        LiquidusFromCooling.from_settings(settings)
