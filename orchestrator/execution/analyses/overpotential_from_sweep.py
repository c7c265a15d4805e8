"""The overpotential of an oxygen-evolution electrode, from a current sweep."""

import math
from collections.abc import Mapping
from itertools import pairwise
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

__all__ = ["OverpotentialFromSweep"]

_REVERSIBLE_V = 1.229


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    job: str
    """The job that swept the current; it gives ``current_a`` and ``voltage_v``, and may give
    ``limit_state``."""
    value: str = "overpotential_v"
    """Name of the value that it gives, in volts."""
    current_density_ma_per_cm2: float = Field(default=10.0, gt=0)
    """Where the overpotential is read off."""
    area_cm2: float = Field(default=1.0, gt=0)
    """Area of the electrode."""
    series_resistance_ohm: float = Field(default=0.0, ge=0)
    """Resistance between the electrode and where its voltage is sensed."""
    window_decades: float = Field(default=0.7, gt=0)
    """Points within so many decades of the current density are fitted."""
    least_points: int = Field(default=5, ge=3)
    """Fewer points in the window are not trusted."""
    largest_residual_v: float = Field(default=0.003, gt=0)
    """A larger scatter about the line is not trusted, in volts."""
    largest_step_back_v: float = Field(default=0.003, ge=0)
    """How far the voltage may fall while the current grows, in volts."""
    reproducibility_sd_v: float = Field(default=0.0, ge=0)
    """Spread between samples of one composition, known from before, in volts."""


class OverpotentialFromSweep:
    """A straight line through V - I R against log10(j), read off at one current density.

    The Tafel line is fitted by least squares near the target; the overpotential is its value
    there less 1.229 V, the reversible potential of oxygen evolution at 25 degrees Celsius and
    unit activities. Its error is the regression's, together with the known spread of samples.

    Args:
        settings: From the campaign file.
    """

    name: ClassVar[str] = "overpotential_from_sweep"
    version: ClassVar[int] = 1
    needs_liquid_stock: ClassVar[bool] = False

    def __init__(self, settings: _Settings) -> None:
        self._settings = settings

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> Self:
        """Build the analysis from its table in the campaign file.

        Args:
            settings: ``job``; optionally ``value``, ``current_density_ma_per_cm2``,
                ``area_cm2``, ``series_resistance_ohm``, ``window_decades``, ``least_points``,
                ``largest_residual_v``, ``largest_step_back_v``, ``reproducibility_sd_v``.

        Raises:
            ValueError: A setting is missing, unknown or wrong.
        """
        return cls(_Settings.model_validate(settings))

    def values_given(self) -> tuple[str, ...]:
        """Return the one name that the campaign file chose."""
        return (self._settings.value,)

    def analyse(self, sample: SampleRecord) -> AnalysisResult:
        """Find the overpotential; a sweep that is no Tafel line is bad quality."""
        settings = self._settings
        try:
            currents_a = series_from(sample, settings.job, "current_a")
            voltages_v = series_from(sample, settings.job, "voltage_v")
        except ValueError as problem:
            return bad(str(problem))
        if sample.readings[settings.job].get("limit_state", "clear") != "clear":
            return bad("the source stood at its voltage limit")
        if len(currents_a) != len(voltages_v):
            return bad(f"{len(currents_a)} currents, but {len(voltages_v)} voltages")
        pairs = sorted(zip(currents_a, voltages_v, strict=True))
        falls_v = [before[1] - after[1] for before, after in pairwise(pairs)]
        if max(falls_v, default=0.0) > settings.largest_step_back_v:
            return bad(f"the voltage falls by {max(falls_v):.4f} V while the current grows")
        return self._from_line(pairs)

    def _from_line(self, pairs: list[tuple[float, float]]) -> AnalysisResult:
        import numpy as np

        settings = self._settings
        target_a = settings.current_density_ma_per_cm2 * 1e-3 * settings.area_cm2
        measured = np.array([pair for pair in pairs if pair[0] > 0.0], dtype=np.float64)
        measured = measured.reshape(-1, 2)
        decades = np.log10(measured[:, 0] / target_a)
        inside = np.abs(decades) <= settings.window_decades
        x = decades[inside]
        y = measured[inside, 1] - measured[inside, 0] * settings.series_resistance_ohm
        if len(x) < settings.least_points:
            return bad(f"{len(x)} points near the target, expected {settings.least_points}")
        if x.min() >= 0.0 or x.max() <= 0.0:
            return bad(f"the sweep does not reach past {target_a * 1e3:g} mA on both sides")
        design = np.column_stack([np.ones_like(x), x])
        (at_target_v, slope_v), *_ = np.linalg.lstsq(design, y, rcond=None)
        residuals = y - design @ np.array([at_target_v, slope_v])
        scatter_v = float(np.sqrt(residuals @ residuals / (len(x) - 2)))
        if scatter_v > settings.largest_residual_v:
            return bad(f"scatter of {scatter_v:.4f} V about the line")
        if slope_v <= 0.0:
            return bad(f"a slope of {slope_v:.4f} V a decade is no Tafel line")
        fit_sd_v = scatter_v * float(np.sqrt(np.linalg.inv(design.T @ design)[0, 0]))
        sd_v = math.hypot(fit_sd_v, settings.reproducibility_sd_v)
        estimate = Estimate(float(at_target_v) - _REVERSIBLE_V, sd_v)
        reason = f"line through {len(x)} points, {slope_v * 1e3:.1f} mV a decade"
        return AnalysisResult(Quality.GOOD, {settings.value: estimate}, None, reason)
