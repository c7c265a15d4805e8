"""A Tafel line gives an overpotential with an honest error; anything else gives nothing."""

from decimal import Decimal

import numpy as np
import pytest

from orchestrator.execution.analyses import Quality, SampleRecord
from orchestrator.execution.analyses.overpotential_from_sweep import OverpotentialFromSweep

SETTINGS = {"job": "sweep", "series_resistance_ohm": 2.0}
FROM_SWEEP = OverpotentialFromSweep.from_settings(SETTINGS)
CURRENTS_A = np.geomspace(1e-3, 50e-3, 25)


def voltages_v(overpotential_v: float, *, slope_v: float = 0.06) -> np.ndarray:
    decades = np.log10(CURRENTS_A / 10e-3)
    return 1.229 + overpotential_v + slope_v * decades + 2.0 * CURRENTS_A


def swept(currents_a: object, voltages: object) -> SampleRecord:
    readings = {"current_a": tuple(currents_a), "voltage_v": tuple(voltages)}  # type: ignore[call-overload]  # arrays and tuples alike
    return SampleRecord({}, (), {"sweep": readings}, {})


@pytest.mark.parametrize("overpotential_v", [0.34, 0.5, -0.01])
def test_a_perfect_line_gives_the_very_value(overpotential_v: float) -> None:
    result = FROM_SWEEP.analyse(swept(CURRENTS_A, voltages_v(overpotential_v)))

    assert result.quality is Quality.GOOD
    assert result.fractions is None
    assert result.values["overpotential_v"].value == pytest.approx(overpotential_v, abs=1e-9)
    assert result.values["overpotential_v"].sd == pytest.approx(0.0, abs=1e-9)
    assert "60.0 mV a decade" in result.reason


def test_the_error_says_how_far_off_it_is() -> None:
    rng = np.random.default_rng(2)

    estimates = [
        FROM_SWEEP.analyse(swept(CURRENTS_A, voltages_v(0.35) + rng.normal(0.0, 5e-4, 25))).values[
            "overpotential_v"
        ]
        for _ in range(300)
    ]

    pulls = np.array([(estimate.value - 0.35) / estimate.sd for estimate in estimates])
    assert abs(pulls.mean()) < 0.2
    assert 0.85 < pulls.std() < 1.2


def test_the_known_spread_of_samples_adds_to_the_error() -> None:
    settings = {**SETTINGS, "reproducibility_sd_v": Decimal("0.001")}
    spread = OverpotentialFromSweep.from_settings(settings)

    estimate = spread.analyse(swept(CURRENTS_A, voltages_v(0.35))).values["overpotential_v"]

    assert estimate.sd == pytest.approx(0.001)


def test_area_and_current_density_say_where_it_is_read() -> None:
    settings = {**SETTINGS, "area_cm2": 2.0, "current_density_ma_per_cm2": 2.0, "value": "eta_v"}
    elsewhere = OverpotentialFromSweep.from_settings(settings)

    result = elsewhere.analyse(swept(CURRENTS_A, voltages_v(0.35)))

    assert elsewhere.values_given() == ("eta_v",)
    assert result.values["eta_v"].value == pytest.approx(0.35 + 0.06 * np.log10(0.4), abs=1e-9)


def test_the_order_of_the_points_does_not_matter() -> None:
    downwards = swept(CURRENTS_A[::-1], voltages_v(0.35)[::-1])

    assert FROM_SWEEP.analyse(downwards).values["overpotential_v"].value == pytest.approx(0.35)


GOOD = voltages_v(0.35)


def spoilt(place: int, value: float) -> np.ndarray:
    spoiled = GOOD.copy()
    spoiled[place] = value
    return spoiled


@pytest.mark.parametrize(
    ("currents_a", "voltages", "reason"),
    [
        (CURRENTS_A, spoilt(3, 9.9e37), "overflowed"),
        (CURRENTS_A, spoilt(3, float("nan")), "overflowed"),
        (CURRENTS_A, GOOD[:-1], "25 currents, but 24 voltages"),
        (CURRENTS_A, spoilt(12, 1.0), "falls by"),
        (CURRENTS_A, GOOD[::-1], "falls by"),
        (CURRENTS_A[::8], GOOD[::8], "points near the target, expected 5"),
        (CURRENTS_A[:12], GOOD[:12], "does not reach past 10 mA"),
        (-CURRENTS_A, GOOD[::-1] * -1, "falls by"),
        (CURRENTS_A, np.where(CURRENTS_A < 9e-3, GOOD, GOOD + 0.05), "scatter of"),
        (CURRENTS_A, voltages_v(0.35, slope_v=-0.001), "no Tafel line"),
        ((), (), "0 points near the target"),
    ],
)
def test_a_sweep_that_is_no_tafel_line_is_bad(
    currents_a: object, voltages: object, reason: str
) -> None:
    result = FROM_SWEEP.analyse(swept(currents_a, voltages))

    assert result.quality is Quality.BAD
    assert result.values == {}
    assert reason in result.reason


def test_a_source_that_stood_at_its_limit_is_bad() -> None:
    readings = {**swept(CURRENTS_A, GOOD).readings["sweep"], "limit_state": "tripped"}

    result = FROM_SWEEP.analyse(SampleRecord({}, (), {"sweep": readings}, {}))

    assert result.reason == "the source stood at its voltage limit"


def test_a_sweep_that_is_not_there_is_bad() -> None:
    result = FROM_SWEEP.analyse(SampleRecord({}, (), {}, {}))

    assert result.reason == "job sweep gave no series current_a"


@pytest.mark.parametrize(
    "settings",
    [{}, {"job": "sweep", "area_cm2": 0}, {"job": "sweep", "jobs": 1}, {"job": "s", "value": 3}],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        OverpotentialFromSweep.from_settings(settings)
