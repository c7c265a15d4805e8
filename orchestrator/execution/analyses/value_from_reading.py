"""One value out of the numbers that one or several jobs read."""

import math
import statistics
from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from orchestrator.execution.analyses.analysis import (
    AnalysisResult,
    Estimate,
    Quality,
    SampleRecord,
    bad,
)
from orchestrator.execution.analyses.readings import number_from

__all__ = ["ValueFromReading"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    jobs: tuple[str, ...] = Field(min_length=1)
    """The jobs that read it; of several the mean counts."""
    reading: str
    """Its name among their readings."""
    value: str
    """The name of the value, as in the objectives or outcomes; it ends in its unit."""
    scale: float = 1.0
    """What a reading is multiplied by."""
    offset: float = 0.0
    """What is added then, in the value's unit."""
    reading_sd: float = Field(default=0.0, ge=0)
    """Standard error of one reading, in the value's unit."""
    reproducibility_sd: float = Field(default=0.0, ge=0)
    """Spread between samples of one composition, in the value's unit."""
    low: float | None = None
    """A mean below is bad quality, in the value's unit."""
    high: float | None = None
    """A mean above is bad quality, in the value's unit."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.scale:
            raise ValueError("scale: expected another number than 0")
        if len(set(self.jobs)) < len(self.jobs):
            raise ValueError("jobs: expected each job once")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError("low: expected less than high")
        return self


class ValueFromReading:
    """Scale times the mean reading, and an offset.

    Its standard error joins that of the mean, from the scatter of several readings or from what the
    file says of one, whichever is larger, with the known spread of samples.

    Args:
        settings: From the campaign file.
    """

    name: ClassVar[str] = "value_from_reading"
    version: ClassVar[int] = 1
    needs_liquid_stock: ClassVar[bool] = False

    def __init__(self, settings: _Settings) -> None:
        self._settings = settings

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> Self:
        """Build the analysis from its table in the campaign file.

        Args:
            settings: ``jobs``, ``reading`` and ``value``; optionally ``scale``, ``offset``,
                ``reading_sd``, ``reproducibility_sd``, ``low``, ``high``.

        Raises:
            ValueError: A setting is missing, unknown or wrong.
        """
        return cls(_Settings.model_validate(settings))

    def values_given(self) -> tuple[str, ...]:
        """Return the name of the value."""
        return (self._settings.value,)

    def analyse(self, sample: SampleRecord) -> AnalysisResult:
        """Find the value; a reading that is missing or overflowed is bad quality."""
        settings = self._settings
        try:
            read = [number_from(sample, job, settings.reading) for job in settings.jobs]
        except ValueError as problem:
            return bad(str(problem))
        values = [settings.scale * number + settings.offset for number in read]
        mean, n = math.fsum(values) / len(values), len(values)
        low = -math.inf if settings.low is None else settings.low
        high = math.inf if settings.high is None else settings.high
        if not low <= mean <= high:
            return bad(f"{settings.value} of {mean:g}, expected {low:g} to {high:g}")
        scatter = statistics.stdev(values) if n > 1 else 0.0
        of_mean = max(scatter, settings.reading_sd) / math.sqrt(n)
        sd = math.hypot(of_mean, settings.reproducibility_sd)
        reason = f"{n} reading{'s' * (n > 1)} of {settings.reading}, mean {mean:g}"
        return AnalysisResult(Quality.GOOD, {settings.value: Estimate(mean, sd)}, None, reason)
