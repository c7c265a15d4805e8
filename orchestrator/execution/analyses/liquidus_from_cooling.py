"""The liquidus temperature of a melt, from the thermal arrest in its cooling curve."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.execution.analyses.analysis import (
    AnalysisResult,
    Estimate,
    Quality,
    SampleRecord,
    bad,
)
from orchestrator.execution.analyses.readings import series_from

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LiquidusFromCooling", "type_k_temperature_c"]

_ZERO_C_IN_K: Final = 273.15

_INVERSE: Final[tuple[tuple[float, float, tuple[float, ...]], ...]] = (
    (
        -5.891,
        0.0,
        (
            0.0,
            2.5173462e1,
            -1.1662878,
            -1.0833638,
            -8.9773540e-1,
            -3.7342377e-1,
            -8.6632643e-2,
            -1.0450598e-2,
            -5.1920577e-4,
        ),
    ),
    (
        0.0,
        20.644,
        (
            0.0,
            2.508355e1,
            7.860106e-2,
            -2.503131e-1,
            8.315270e-2,
            -1.228034e-2,
            9.804036e-4,
            -4.413030e-5,
            1.057734e-6,
            -1.052755e-8,
        ),
    ),
    (
        20.644,
        54.886,
        (
            -1.318058e2,
            4.830222e1,
            -1.646031,
            5.464731e-2,
            -9.650715e-4,
            8.802193e-6,
            -3.110810e-8,
        ),
    ),
)
"""Lowest and highest voltage in millivolts, coefficients in degrees Celsius by rising power."""


def type_k_temperature_c(voltage_v: float) -> float:
    """Return the temperature of a type K thermocouple, reference junction at 0 C.

    The inverse functions of the NIST ITS-90 Thermocouple Database (SRD 60, Monograph 175), good
    to 0.06 degrees Celsius.

    Args:
        voltage_v: Thermoelectric voltage in volts, -5.891e-3 to 54.886e-3.

    Raises:
        ValueError: Outside that range.

    Example:
        >>> round(type_k_temperature_c(41.276e-3), 1)
        1000.0
    """
    millivolts = voltage_v * 1e3
    for low, high, coefficients in _INVERSE:
        if low <= millivolts <= high:
            total = 0.0
            for coefficient in reversed(coefficients):
                total = total * millivolts + coefficient
            return total
    raise ValueError(f"type K: got {millivolts:g} mV, expected -5.891 to 54.886 mV")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    job: str
    """The job that traced the voltage; it gives ``time_s`` and ``voltage_v``."""
    value: str = "liquidus_k"
    """Name of the value that it gives, in kelvin."""
    window_points: int = Field(default=7, ge=3)
    """Readings over which the cooling rate is taken."""
    arrest_fraction: float = Field(default=0.35, gt=0, lt=1)
    """The melt is arrested where it cools slower than this share of its fastest rate."""
    least_points: int = Field(default=10, ge=3)
    """A shorter arrest is not trusted."""
    least_cooling_k: float = Field(default=5.0, gt=0)
    """The melt must have cooled by so much before the arrest, in kelvin."""
    largest_scatter_k: float = Field(default=1.0, gt=0)
    """A larger scatter within the arrest is not trusted, in kelvin."""
    calibration_sd_k: float = Field(default=0.5, ge=0)
    """Standard error of the thermocouple itself, in kelvin."""


class LiquidusFromCooling:
    """The temperature at which a cooling melt stands still.

    The cooling rate is taken over a sliding window; the longest stretch in which it is small
    against the fastest tenth of the trace is the arrest, and its mean temperature the liquidus.

    Args:
        settings: From the campaign file.
    """

    name: ClassVar[str] = "liquidus_from_cooling"
    version: ClassVar[int] = 1
    needs_liquid_stock: ClassVar[bool] = False

    def __init__(self, settings: _Settings) -> None:
        self._settings = settings

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> Self:
        """Build the analysis from its table in the campaign file.

        Args:
            settings: ``job``; optionally ``value``, ``window_points``, ``arrest_fraction``,
                ``least_points``, ``least_cooling_k``, ``largest_scatter_k``,
                ``calibration_sd_k``.

        Raises:
            ValueError: A setting is missing, unknown or wrong.
        """
        return cls(_Settings.model_validate(settings))

    def values_given(self) -> tuple[str, ...]:
        """Return the one name that the campaign file chose."""
        return (self._settings.value,)

    def analyse(self, sample: SampleRecord) -> AnalysisResult:
        """Find the liquidus; a trace without a clear arrest is bad quality."""
        import numpy as np

        settings = self._settings
        try:
            times_s = series_from(sample, settings.job, "time_s")
            voltages_v = series_from(sample, settings.job, "voltage_v")
            temperatures_k = _temperatures_k(voltages_v)
        except ValueError as problem:
            return bad(str(problem))
        if len(times_s) != len(voltages_v):
            return bad(f"{len(times_s)} times, but {len(voltages_v)} voltages")
        if len(times_s) < settings.window_points + settings.least_points:
            return bad(f"{len(times_s)} readings are too few for an arrest")
        time = np.array(times_s)
        if (np.diff(time) <= 0.0).any():
            return bad("the times do not grow")
        return self._from_curve(time, np.array(temperatures_k))

    def _from_curve(
        self, time_s: "NDArray[np.float64]", temperature_k: "NDArray[np.float64]"
    ) -> AnalysisResult:
        settings = self._settings
        rates = _cooling_rates_k_per_s(time_s, temperature_k, settings.window_points)
        typical = max(0.0, float(sorted(rates)[-max(1, len(rates) // 10)]))
        first, last = _longest_stretch(rates, settings.arrest_fraction * typical)
        n_points = last - first + 1
        first += settings.window_points // 2
        last = first + n_points - 1
        if n_points < settings.least_points or typical == 0.0:
            return bad("no arrest in the cooling curve")
        arrested_k = temperature_k[first : last + 1]
        before_k = float(temperature_k[0] - arrested_k.mean())
        if before_k < settings.least_cooling_k:
            return bad(f"the melt cooled by {before_k:.1f} K only before it stood still")
        scatter_k = float(arrested_k.std(ddof=1))
        if scatter_k > settings.largest_scatter_k:
            return bad(f"scatter of {scatter_k:.2f} K within the arrest")
        sd_k = math.hypot(settings.calibration_sd_k, scatter_k / math.sqrt(n_points))
        estimate = Estimate(float(arrested_k.mean()), sd_k)
        reason = f"arrest of {time_s[last] - time_s[first]:.0f} s, {n_points} readings"
        return AnalysisResult(Quality.GOOD, {settings.value: estimate}, None, reason)


def _temperatures_k(voltages_v: Sequence[float]) -> list[float]:
    return [type_k_temperature_c(voltage_v) + _ZERO_C_IN_K for voltage_v in voltages_v]


def _cooling_rates_k_per_s(
    time_s: "NDArray[np.float64]", temperature_k: "NDArray[np.float64]", n_points: int
) -> "NDArray[np.float64]":
    """Return the rate of cooling in each window of so many readings, by least squares."""
    import numpy as np

    windows = np.lib.stride_tricks.sliding_window_view
    time = windows(time_s, n_points)
    time = time - time.mean(axis=1, keepdims=True)
    temperature = windows(temperature_k, n_points)
    rates: NDArray[np.float64] = -(time * temperature).sum(axis=1) / (time * time).sum(axis=1)
    return rates


def _longest_stretch(rates: "NDArray[np.float64]", limit: float) -> tuple[int, int]:
    """Return the first and last window of the longest run with a rate below a limit."""
    best = (0, -1)
    first = 0
    for index, rate in enumerate(rates):
        if abs(rate) >= limit:
            first = index + 1
        elif index - first > best[1] - best[0]:
            best = (first, index)
    return best
