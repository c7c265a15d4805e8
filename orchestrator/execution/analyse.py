"""From the readings of one experiment to its observation, through the recipe's analyses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Literal, cast

from campaigns.errors import UndefinedValue
from campaigns.recipe import Recipe
from campaigns.spec import CampaignSpec
from orchestrator.core.events import AnalysisFinished, ObservationRecorded
from orchestrator.core.experiment import ExperimentState
from orchestrator.core.job import JobStatus
from orchestrator.core.point import Observation
from orchestrator.execution.analyses import (
    Analysis,
    AnalysisResult,
    Quality,
    SampleRecord,
    StockFacts,
)
from orchestrator.execution.bindings import exact_point
from orchestrator.execution.rig_spec import RigSpec

__all__ = ["Analysed", "analyse", "analyses_of", "analysis_named", "analysis_names"]

_GROUP = "athanor.analyses"


@dataclass(frozen=True, slots=True)
class Analysed:
    """What became of an experiment's readings."""

    results: tuple[AnalysisFinished, ...]
    """One for each analysis of the recipe, in the file's order."""
    observation: ObservationRecorded | None
    """None if nothing was measured."""
    cause: Literal["measurement"] | None
    """Why there is no observation; None if there is one."""
    reason: str
    """What is to be known of it: what failed, which constraint the made composition breaks."""


def analysis_names() -> tuple[str, ...]:
    """Return the names of all analyses that are installed, in order."""
    return tuple(sorted(entry_points(group=_GROUP).names))


@cache
def analysis_named(name: str) -> type[Analysis]:
    """Return the analysis of that name; what is installed does not change while we run.

    Raises:
        KeyError: It is not installed.
    """
    return cast(type[Analysis], entry_points(group=_GROUP)[name].load())


def analyses_of(recipe: Recipe) -> tuple[Analysis, ...]:
    """Build a recipe's analyses.

    Raises:
        KeyError: One is not installed.
        ValueError: One refuses its settings.
    """
    return tuple(
        analysis_named(choice.name).from_settings(choice.settings) for choice in recipe.analyses
    )


def analyse(campaign: CampaignSpec, rig: RigSpec, experiment: ExperimentState) -> Analysed:
    """Run the recipe's analyses over one experiment whose jobs are all done.

    An analysis that gives a composition replaces the fractions that were asked by those that
    were made; one that fails leaves nothing to be learnt, because nobody knows of what. Without
    such an analysis the point is taken as asked. A campaign that measures nothing, because all that
    it wants is computed from the composition, needs no values. Constraints are checked again at the
    made point; breaking one is told in the reason and discards nothing.

    Args:
        campaign: With a recipe that fits the rig.
        rig: Whose stock has the names of the components that it feeds.
        experiment: With its readings.
    """
    analyses = analyses_of(campaign.recipe) if campaign.recipe is not None else ()
    sample = _sample(campaign, rig, experiment)
    found = [(one.name, one.version, one.analyse(sample)) for one in analyses]
    results = tuple(
        _finished(experiment.experiment_id, name, version, result)
        for name, version, result in found
    )
    failures = [
        f"{name}: {result.reason}" for name, _, result in found if result.quality is Quality.BAD
    ]
    values = {
        name: estimate
        for _, _, result in found
        if result.quality is Quality.GOOD
        for name, estimate in result.values.items()
    }
    lacks_values = bool(campaign.measured_names) and not values
    if lacks_values or _lost_composition(analyses, found):
        reason = "; ".join(failures) or "no analysis gave a value"
        return Analysed(results, None, "measurement", reason)
    made = _made_point(sample, [result for _, _, result in found])
    try:
        computed = campaign.computed_values(made)
    except UndefinedValue as error:
        return Analysed(results, None, "measurement", f"as made: {error}")
    observation = Observation(
        point=made,
        values={name: estimate.value for name, estimate in values.items()},
        sds={name: estimate.sd for name, estimate in values.items()},
    )
    record = ObservationRecorded(
        experiment_id=experiment.experiment_id, observation=observation, computed=computed
    )
    broken = _broken_conditions(campaign, made)
    told = tuple(
        _with_reason(one, broken) if result.fractions is not None else one
        for one, (_, _, result) in zip(results, found, strict=True)
    )
    return Analysed(told, record, None, "; ".join([*failures, *broken]))


def _with_reason(result: AnalysisFinished, reasons: Sequence[str]) -> AnalysisFinished:
    return result.model_copy(update={"reason": "; ".join([result.reason, *reasons])})


def _sample(campaign: CampaignSpec, rig: RigSpec, experiment: ExperimentState) -> SampleRecord:
    components = campaign.space.components
    readings = {
        name: {reading.name: reading.value for reading in job.readings}
        for name, job in experiment.jobs.items()
        if job.status is JobStatus.DONE
    }
    stock = {
        name: StockFacts(facts.concentration_mol_per_l, facts.density_g_per_ml)
        for name, facts in rig.stock.items()
        if name in components and facts.concentration_mol_per_l and facts.density_g_per_ml
    }
    return SampleRecord(experiment.candidate.point, components, readings, stock)


def _finished(
    experiment_id: str, name: str, version: int, result: AnalysisResult
) -> AnalysisFinished:
    values = dict(result.values)
    return AnalysisFinished(
        experiment_id=experiment_id,
        analysis=name,
        version=version,
        quality=result.quality.value,
        values={
            **{key: estimate.value for key, estimate in values.items()},
            **(result.fractions or {}),
        },
        sds={key: estimate.sd for key, estimate in values.items()},
        reason=result.reason,
    )


def _lost_composition(
    analyses: Sequence[Analysis], found: Sequence[tuple[str, int, AnalysisResult]]
) -> bool:
    return any(
        not analysis.values_given() and result.quality is Quality.BAD
        for analysis, (_, _, result) in zip(analyses, found, strict=True)
    )


def _made_point(sample: SampleRecord, results: Sequence[AnalysisResult]) -> dict[str, float | str]:
    made = dict(sample.point)
    for result in results:
        if result.quality is Quality.GOOD and result.fractions is not None:
            made.update(result.fractions)
    return made


def _broken_conditions(campaign: CampaignSpec, made: Mapping[str, float | str]) -> list[str]:
    exact = exact_point(made)
    return [
        f"as-made breaks `{condition.text}`"
        for condition in campaign.conditions
        if not condition.holds(exact)
    ]
