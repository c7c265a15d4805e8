"""The composition that was really made, from doses that were each weighed by themselves."""

import math
from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from orchestrator.execution.analyses.analysis import AnalysisResult, Quality, SampleRecord, bad
from orchestrator.execution.analyses.readings import number_from

__all__ = ["CompositionByDoses"]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    job: str = "dose_{component}"
    """Name of the job that doses a component and weighs what it dosed."""
    reading: str = "mass_dosed_mg"
    """Its reading: the mass of that dose alone, in any unit of mass, the same for all."""
    molar_mass_g_per_mol: Mapping[str, float] = Field(default_factory=dict)
    """Of what each component's dose is made of, for one mole of the component; without this table
    fractions are by mass."""

    @field_validator("job")
    @classmethod
    def _names_the_component(cls, job: str) -> str:
        if "{component}" not in job:
            raise ValueError("expected {component} in the job's name")
        return job

    @field_validator("molar_mass_g_per_mol")
    @classmethod
    def _are_masses(cls, table: Mapping[str, float]) -> Mapping[str, float]:
        if any(not mass > 0.0 for mass in table.values()):
            raise ValueError("expected masses above 0")
        return table


class CompositionByDoses:
    """Fractions from the mass of each dose, as a dosing module tells it.

    By mass, or by mole where molar masses are given. A component that was not dosed is exactly 0.

    Args:
        settings: From the campaign file.
    """

    name: ClassVar[str] = "composition_by_doses"
    version: ClassVar[int] = 1
    needs_liquid_stock: ClassVar[bool] = False

    def __init__(self, settings: _Settings) -> None:
        self._settings = settings

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> Self:
        """Build the analysis from its table in the campaign file.

        Args:
            settings: Optionally ``job``, ``reading``, ``molar_mass_g_per_mol``.

        Raises:
            ValueError: A setting is unknown or wrong.
        """
        return cls(_Settings.model_validate(settings))

    def values_given(self) -> tuple[str, ...]:
        """Return nothing: it gives a composition, no values."""
        return ()

    def analyse(self, sample: SampleRecord) -> AnalysisResult:
        """Find the composition; a dose that is missing or weighs nothing is bad quality."""
        molar, amounts = self._settings.molar_mass_g_per_mol, dict.fromkeys(sample.components, 0.0)
        unknown = [name for name in sample.components if molar and name not in molar]
        if unknown:
            return bad(f"molar_mass_g_per_mol names no {unknown[0]}")
        n_doses = 0
        for component in sample.components:
            job = self._settings.job.replace("{component}", component)
            if job not in sample.readings and sample.point.get(component, 0.0) == 0.0:
                continue
            try:
                mass = number_from(sample, job, self._settings.reading)
            except ValueError as problem:
                return bad(str(problem))
            if mass <= 0.0:
                return bad(f"the dose of {component} weighs {mass:g}: nothing fell")
            amounts[component] = mass / molar.get(component, 1.0)
            n_doses += 1
        total = math.fsum(amounts.values())
        if total <= 0.0:
            return bad("nothing was dosed")
        fractions = {component: amount / total for component, amount in amounts.items()}
        by = "by mole" if molar else "by mass"
        return AnalysisResult(Quality.GOOD, {}, fractions, f"{n_doses} doses, fractions {by}")
