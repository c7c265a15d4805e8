"""The half-wave potential of a reversible redox couple, from a cyclic voltammogram."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.execution.analyses.analysis import (
    AnalysisResult,
    Estimate,
    Quality,
    SampleRecord,
    bad,
)
from orchestrator.execution.analyses.readings import series_from

__all__ = ["CoupleFromVoltammogram"]

_NEIGHBOURS = 2


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    job: str
    """The job that scanned; it gives ``voltage_v`` and ``current_a``, and may give
    ``limit_state``."""
    largest_separation_v: float = Field(default=0.2, gt=0)
    """Peaks further apart belong to no reversible couple, in volts."""
    reproducibility_sd_v: float = Field(default=0.0, ge=0)
    """Spread of the half-wave potential between samples of one composition, in volts."""


@dataclass(frozen=True, slots=True)
class _Peak:
    voltage_v: float
    current_a: float
    step_v: float


class CoupleFromVoltammogram:
    """Both peaks of the last whole cycle; their middle is the half-wave potential.

    A parabola through the largest current of a leg and two neighbours on each side gives the
    peak. The half-wave potential's error is the step's resolution together with the known spread
    of samples; the separation's is the resolution of both. Of a reversible couple of one electron
    the peaks lie 57 mV apart at 25 degrees Celsius [Nicholson1964]_. The anodic peak current is
    counted from zero.

    Args:
        settings: From the campaign file.
    """

    name: ClassVar[str] = "couple_from_voltammogram"
    version: ClassVar[int] = 1
    needs_liquid_stock: ClassVar[bool] = False

    def __init__(self, settings: _Settings) -> None:
        self._settings = settings

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> Self:
        """Build the analysis from its table in the campaign file.

        Args:
            settings: ``job``; optionally ``largest_separation_v``, ``reproducibility_sd_v``.

        Raises:
            ValueError: A setting is missing, unknown or wrong.
        """
        return cls(_Settings.model_validate(settings))

    def values_given(self) -> tuple[str, ...]:
        """Return the names of the three values."""
        return ("half_wave_potential_v", "peak_separation_v", "anodic_peak_current_a")

    def analyse(self, sample: SampleRecord) -> AnalysisResult:
        """Find both peaks; a curve without one on each leg is bad quality."""
        job = self._settings.job
        try:
            voltages_v = series_from(sample, job, "voltage_v")
            currents_a = series_from(sample, job, "current_a")
        except ValueError as problem:
            return bad(str(problem))
        if sample.readings[job].get("limit_state", "clear") != "clear":
            return bad("the current stood at its limit")
        if len(voltages_v) != len(currents_a):
            return bad(f"{len(voltages_v)} voltages, but {len(currents_a)} currents")
        found = [
            _peak_on(voltages_v, currents_a, _last_leg(voltages_v, sign), sign) for sign in (1, -1)
        ]
        if found[0] is None or found[1] is None:
            missing = "anodic" if found[0] is None else "cathodic"
            return bad(f"no {missing} peak within its leg")
        return self._from_peaks(found[0], found[1])

    def _from_peaks(self, anodic: _Peak, cathodic: _Peak) -> AnalysisResult:
        settings = self._settings
        separation_v = anodic.voltage_v - cathodic.voltage_v
        if not 0.0 < separation_v <= settings.largest_separation_v:
            return bad(f"the peaks lie {separation_v:.4f} V apart")
        resolution_v = max(anodic.step_v, cathodic.step_v) / math.sqrt(12.0)
        half_wave_sd_v = math.hypot(resolution_v / math.sqrt(2.0), settings.reproducibility_sd_v)
        values = {
            "half_wave_potential_v": Estimate(
                (anodic.voltage_v + cathodic.voltage_v) / 2.0, half_wave_sd_v
            ),
            "peak_separation_v": Estimate(separation_v, resolution_v * math.sqrt(2.0)),
            "anodic_peak_current_a": Estimate(anodic.current_a, 0.01 * abs(anodic.current_a)),
        }
        reason = f"peaks at {anodic.voltage_v:.4f} V and {cathodic.voltage_v:.4f} V"
        return AnalysisResult(Quality.GOOD, values, None, reason)


def _last_leg(voltages_v: Sequence[float], sign: int) -> range:
    """Return the places of the last leg in a direction that is about as long as the longest."""
    places = range(1, len(voltages_v))
    legs = [
        list(run)
        for is_along, run in groupby(
            places, key=lambda place: sign * (voltages_v[place] - voltages_v[place - 1]) > 0.0
        )
        if is_along
    ]
    longest = max(map(len, legs), default=0)
    last = [leg for leg in legs if len(leg) >= 0.9 * longest][-1:]
    return range(last[0][0] - 1, last[0][-1] + 1) if last else range(0)


def _peak_on(
    voltages_v: Sequence[float], currents_a: Sequence[float], leg: range, sign: int
) -> _Peak | None:
    import numpy as np

    if len(leg) < 2 * _NEIGHBOURS + 3:
        return None
    currents = sign * np.array([currents_a[place] for place in leg])
    voltages = np.array([voltages_v[place] for place in leg])
    top = int(np.argmax(currents))
    if not _NEIGHBOURS <= top < len(leg) - _NEIGHBOURS or currents[top] <= 0.0:
        return None
    near = slice(top - _NEIGHBOURS, top + _NEIGHBOURS + 1)
    middle_v = voltages[top]
    a, b, c = np.polyfit(voltages[near] - middle_v, currents[near], 2)
    if a >= 0.0:
        return None
    at_v = float(np.clip(-b / (2.0 * a), *np.sort(voltages[near] - middle_v)[[0, -1]]))
    step_v = float(np.mean(np.abs(np.diff(voltages[near]))))
    return _Peak(float(middle_v) + at_v, sign * float(a * at_v**2 + b * at_v + c), step_v)
