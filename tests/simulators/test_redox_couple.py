"""A reversible couple against the closed forms of a steady scan and of one step."""

import math
from collections.abc import Mapping

import numpy as np
import pytest

from drivers.devices.keithley_2450.voltammetry import staircase
from orchestrator.execution.analyses.analysis import Quality, SampleRecord
from orchestrator.execution.analyses.couple_from_voltammogram import CoupleFromVoltammogram
from simulators.cells import Cell, cell_for
from simulators.plumbing import Plumbing, Substance, Vessel

FARADAY = 96485.33212
PER_V = FARADAY / (8.314462618 * 298.15)
WHOLE = FARADAY * 1e-4 * 1.0 * math.sqrt(1e-9)
FORMAL_V = 0.213


class Couple:
    """A world whose outcome is a formal potential."""

    name = "couple"
    components = ("water", "salt")
    transducer = "redox_couple"
    noise_sd: Mapping[str, float] = {"half_wave_potential_v": 0.0}

    def outcomes(
        self, fractions: Mapping[str, float], rng: np.random.Generator
    ) -> Mapping[str, float]:
        """Return the formal potential, whatever the composition."""
        return {"half_wave_potential_v": FORMAL_V}

    def temperature_factor(self, fractions: Mapping[str, float], temperature_c: float) -> float:
        """Return 1: no warmth is felt."""
        return 1.0


def couple(volume_ul: float = 2000.0) -> Cell:
    substances = dict.fromkeys(Couple.components, Substance(1.0, 1.0))
    plumbing = Plumbing({"cell": Vessel(10_000.0, is_sealed=False)}, substances)
    plumbing.pour("cell", {"water": volume_ul}, 0.0)
    return cell_for(Couple(), plumbing, "cell", (1, 2), np.random.default_rng(0))


def scanned(step_v: float, rate_v_per_s: float, n_cycles: int = 1) -> tuple[list[float], ...]:
    cell, step_s = couple(), step_v / rate_v_per_s
    steps_v = staircase((-0.1, 0.5, -0.1, -0.1), step_v, n_cycles)
    currents_a = []
    for place, voltage_v in enumerate(steps_v):
        cell.current_a(voltage_v, place * step_s)
        currents_a.append(cell.current_a(voltage_v, (place + 0.25) * step_s))
    return list(steps_v), currents_a


def analysed(voltages_v: list[float], currents_a: list[float], **told: str):
    readings = {"scan": {"voltage_v": tuple(voltages_v), "current_a": tuple(currents_a), **told}}
    sample = SampleRecord(point={}, components=(), readings=readings, stock={})
    return CoupleFromVoltammogram.from_settings({"job": "scan"}).analyse(sample)


def test_one_large_step_is_cottrells_decay() -> None:
    cell = couple()
    cell.current_a(FORMAL_V + 0.5, 0.0)

    for time_s in (0.1, 1.0, 10.0):
        expected_a = WHOLE / math.sqrt(math.pi * time_s)
        assert cell.current_a(FORMAL_V + 0.5, time_s) == pytest.approx(expected_a, rel=3e-3)


@pytest.mark.parametrize("rate_v_per_s", [0.01, 0.05, 0.1])
def test_a_scan_has_the_peaks_of_randles_and_sevcik(rate_v_per_s: float) -> None:
    found = analysed(*scanned(0.002, rate_v_per_s))
    values = found.values

    expected_a = 0.4463 * WHOLE * math.sqrt(PER_V * rate_v_per_s)
    assert found.quality is Quality.GOOD
    assert values["anodic_peak_current_a"].value == pytest.approx(expected_a, rel=0.02)
    assert values["half_wave_potential_v"].value == pytest.approx(FORMAL_V, abs=0.002)
    assert values["peak_separation_v"].value == pytest.approx(0.057, abs=0.004)


def test_later_cycles_lie_lower_and_give_the_same_potential() -> None:
    voltages_v, currents_a = scanned(0.005, 0.05, n_cycles=4)
    first = analysed(*(series[: len(series) // 4] for series in (voltages_v, currents_a)))
    last = analysed(voltages_v, currents_a)
    peak = "anodic_peak_current_a"

    assert 0.85 < last.values[peak].value / first.values[peak].value < 1.0
    assert last.values["half_wave_potential_v"].value == pytest.approx(FORMAL_V, abs=0.004)


def test_no_current_flows_without_a_sample() -> None:
    assert couple(volume_ul=10.0).current_a(0.5, 1.0) == 0.0


def test_a_curve_without_peaks_is_bad() -> None:
    voltages_v = list(staircase((0.0, 0.5, 0.0), 0.01, 1))
    assert analysed(voltages_v, [1e-3 * v for v in voltages_v]).quality is Quality.BAD
    assert analysed([0.0, 0.1], [0.0, 1.0]).quality is Quality.BAD
    tripped = analysed(*scanned(0.01, 0.05), limit_state="tripped")
    assert "limit" in tripped.reason
