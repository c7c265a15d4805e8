"""The composition that was really made, from what the balance read after each dose."""

import math
from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from orchestrator.execution.analyses.analysis import AnalysisResult, Quality, SampleRecord, bad
from orchestrator.execution.analyses.readings import number_from

__all__ = ["CompositionByMass"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    job: str = "weigh_{component}"
    """Name of the job that weighs after a component's dose."""
    reading: str = "mass_g"
    """Its reading: grams since the tare, growing dose by dose."""
    tare_job: str = "tare"
    """The job that tares the vessel before the first dose."""
    expected_volume_ml: float = Field(gt=0)
    """Volume of all doses together, in millilitres."""
    tolerance_fraction: float = Field(default=0.10, gt=0, lt=1)
    """How far the weighed total may be from the expected mass."""
    noise_g: float = Field(default=0.0005, ge=0)
    """How far below 0 a dose may weigh before it counts as a loss, in grams."""

    @field_validator("job")
    @classmethod
    def _names_the_component(cls, job: str) -> str:
        if "{component}" not in job:
            raise ValueError("expected {component} in the job's name")
        return job


class CompositionByMass:
    """Atomic fractions from the masses of successive doses of stock solutions.

    The mass of a dose, divided by its stock's density, times its concentration, is what it
    brought; doses follow the order of the components. A component that was not dosed is
    exactly 0.

    Args:
        settings: From the campaign file.
    """

    name: ClassVar[str] = "composition_by_mass"
    version: ClassVar[int] = 1
    needs_liquid_stock: ClassVar[bool] = True

    def __init__(self, settings: _Settings) -> None:
        self._settings = settings

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> Self:
        """Build the analysis from its table in the campaign file.

        Args:
            settings: ``expected_volume_ml``; optionally ``job``, ``reading``, ``tare_job``,
                ``tolerance_fraction``, ``noise_g``.

        Raises:
            ValueError: A setting is missing, unknown or wrong.
        """
        return cls(_Settings.model_validate(settings))

    def values_given(self) -> tuple[str, ...]:
        """Return nothing: it gives a composition, no values."""
        return ()

    def analyse(self, sample: SampleRecord) -> AnalysisResult:
        """Find the composition; masses that do not add up are bad quality."""
        try:
            doses_g = self._doses_g(sample)
        except ValueError as problem:
            return bad(str(problem))
        for component, dose_g in doses_g.items():
            if dose_g < -self._settings.noise_g:
                return bad(f"the dose of {component} weighs {dose_g:.4f} g: something was lost")
        if not doses_g or math.fsum(doses_g.values()) <= 0.0:
            return bad("nothing was dosed")
        strangers = [component for component in doses_g if component not in sample.stock]
        if strangers:
            return bad(f"no stock named {strangers[0]} with concentration and density")
        return self._from_doses(sample, doses_g)

    def _doses_g(self, sample: SampleRecord) -> dict[str, float]:
        """Return the mass of each dose, in grams, in the order of dosing."""
        if self._settings.tare_job not in sample.readings:
            raise ValueError(f"job {self._settings.tare_job} gave no readings")
        doses_g: dict[str, float] = {}
        before_g = 0.0
        for component in sample.components:
            job = self._settings.job.replace("{component}", component)
            asked = sample.point.get(component, 0.0)
            if job not in sample.readings and asked == 0.0:
                continue
            mass_g = number_from(sample, job, self._settings.reading)
            doses_g[component] = mass_g - before_g
            before_g = mass_g
        return doses_g

    def _from_doses(self, sample: SampleRecord, doses_g: Mapping[str, float]) -> AnalysisResult:
        volumes_ml = {
            component: max(0.0, dose_g) / sample.stock[component].density_g_per_ml
            for component, dose_g in doses_g.items()
        }
        total_ml = math.fsum(volumes_ml.values())
        total_g = math.fsum(doses_g.values())
        expected_g = self._settings.expected_volume_ml * total_g / total_ml
        if abs(total_g - expected_g) > self._settings.tolerance_fraction * expected_g:
            return bad(f"all doses weigh {total_g:.4f} g, expected {expected_g:.4f} g")
        moles = {
            component: volume_ml * sample.stock[component].concentration_mol_per_l
            for component, volume_ml in volumes_ml.items()
        }
        total = math.fsum(moles.values())
        fractions = {
            component: moles.get(component, 0.0) / total for component in sample.components
        }
        reason = f"{len(doses_g)} doses weighed {total_g:.4f} g of {expected_g:.4f} g expected"
        return AnalysisResult(Quality.GOOD, {}, fractions, reason)
