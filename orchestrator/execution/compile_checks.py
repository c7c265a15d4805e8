"""What can be wrong between a recipe and the rig that is to carry it out, found all at once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from pydantic import ValidationError

from campaigns.errors import Problem
from campaigns.expression import Expression
from campaigns.recipe import PLACEHOLDER, AnalysisChoice, Recipe, RecipeJob
from campaigns.spec import CampaignSpec
from campaigns.units import unit_suffix
from drivers.errors import LimitError
from drivers.instrument import Action, Argument, Instrument, RecoveryClass
from orchestrator.execution.analyse import analysis_named, analysis_names
from orchestrator.execution.analyses import Analysis
from orchestrator.execution.cleaning_checks import cleaning_problems
from orchestrator.execution.extremes import Extremes, extremes_of
from orchestrator.execution.limits import limited
from orchestrator.execution.mistakes import one_of, problems_in
from orchestrator.execution.rig_spec import RigSpec

__all__ = ["problems_of"]


def problems_of(
    campaign: CampaignSpec,
    recipe: Recipe,
    rig: RigSpec,
    drivers: Mapping[str, type[Instrument]],
) -> list[Problem]:
    """Return every mistake, in the order of the recipe.

    Args:
        campaign: Sound in itself.
        recipe: The campaign's.
        rig: Sound in itself.
        drivers: By instrument name.
    """
    jobs = recipe.jobs_for(campaign.space.components)
    found: list[Problem] = []
    for job in jobs:
        template = recipe.jobs[job.template_index]
        where = f"recipe.job[{job.template_index}] ({template.name})"
        found += [p for p in _job_problems(campaign, job, where, rig, drivers) if p not in found]
    found += [p for p in cleaning_problems(campaign, recipe, rig, jobs) if p not in found]
    return [*found, *_analysis_problems(campaign, recipe, rig, jobs)]


def _job_problems(
    campaign: CampaignSpec,
    job: RecipeJob,
    where: str,
    rig: RigSpec,
    drivers: Mapping[str, type[Instrument]],
) -> Iterator[Problem]:
    for position in job.positions:
        if position not in rig.positions:
            yield Problem(f"{where}.positions", position, one_of(rig.positions, position))
    if job.max_wait_s is not None and not job.after:
        yield Problem(f"{where}.max_wait_s", job.max_wait_s, "no such key: it comes after no job")
    driver = drivers.get(job.instrument)
    if driver is None:
        yield Problem(f"{where}.instrument", job.instrument, one_of(drivers, job.instrument))
        return
    action = driver.actions.get(job.action)
    if action is None:
        yield Problem(f"{where}.action", job.action, one_of(driver.actions, job.action))
        return
    if job.failure_means == "synthesis" and action.recovery is RecoveryClass.PURE:
        expected = f"instrument: {action.name} only reads, its failure says nothing of the sample"
        yield Problem(f"{where}.failure_means", job.failure_means, expected)
    action = limited(action, rig.instruments[job.instrument].limits)
    yield from _argument_problems(campaign, job, f"{where}.arguments", action)


def _argument_problems(
    campaign: CampaignSpec, job: RecipeJob, where: str, action: Action
) -> Iterator[Problem]:
    known = {argument.name: argument for argument in action.arguments}
    for argument in action.arguments:
        if argument.is_required and argument.name not in job.arguments:
            yield Problem(f"{where}.{argument.name}", None, f"a value: {action.name} requires it")
    for name, binding in job.arguments.items():
        key = f"{where}.{name}"
        if name not in known:
            yield Problem(key, name, one_of(known, name))
        elif isinstance(binding, Expression):
            yield from _expression_problems(campaign, job, key, binding, known[name])
        else:
            yield from _constant_problems(key, binding, known[name])


def _constant_problems(key: str, value: Decimal | str, argument: Argument) -> Iterator[Problem]:
    try:
        argument.checked(key, value if isinstance(value, str) else float(value))
    except LimitError as error:
        yield Problem(key, value, error.expected)


def _expression_problems(
    campaign: CampaignSpec, job: RecipeJob, key: str, binding: Expression, argument: Argument
) -> Iterator[Problem]:
    categories = campaign.space.categories
    if binding.lone_name in categories:
        for category in categories[binding.lone_name]:
            yield from _constant_problems(key, category, argument)
        return
    if argument.kind not in (float, int):
        yield Problem(key, binding.text, f"a {argument.kind.__name__}, in quotes within quotes")
        return
    slip = _unit_slip(campaign, binding, argument)
    if slip:
        yield Problem(key, binding.text, slip)
        return
    form = binding.substitute(campaign.definitions).linear_form()
    if form is None:
        return
    limits = Extremes(argument.low, argument.high)
    when = job.when.substitute(campaign.definitions) if job.when is not None else None
    found = extremes_of(form, campaign, when, limits)
    if found is not None and not (limits.low <= found.low and found.high <= limits.high):
        got = f"{binding.text}, which can be {found.low:.6g} to {found.high:.6g}"
        yield Problem(key, got, f"{argument.low:g} to {argument.high:g} at every point")


def _unit_slip(campaign: CampaignSpec, binding: Expression, argument: Argument) -> str:
    """Return what would have been right, or nothing if the units agree."""
    wanted = unit_suffix(argument.name)
    lone = binding.lone_name
    if lone is not None:
        unit = "fraction" if lone in campaign.space.components else unit_suffix(lone)
        if unit == wanted or (lone in campaign.space.components and wanted is None):
            return ""
        has = f"{lone} is in {unit}" if unit else f"{lone} has no unit in its name"
        return f"a value in {wanted}; {has}" if wanted else f"a value without unit; {has}"
    for name in sorted(binding.names - set(campaign.space.components)):
        unit = unit_suffix(name)
        if unit is not None and unit != wanted:
            return f"inputs in {wanted or 'no unit'}; {name} is in {unit}"
    return ""


def _analysis_problems(
    campaign: CampaignSpec, recipe: Recipe, rig: RigSpec, jobs: Sequence[RecipeJob]
) -> Iterator[Problem]:
    given: Counter[str] = Counter()
    for index, choice in enumerate(recipe.analyses):
        where = f"recipe.analysis[{index}] ({choice.name})"
        if choice.name not in analysis_names():
            yield Problem(f"{where}.name", choice.name, one_of(analysis_names(), choice.name))
            continue
        try:
            analysis = analysis_named(choice.name).from_settings(choice.settings)
        except ValidationError as error:
            yield from problems_in(error, f"{where}.settings")
            continue
        except ValueError as error:
            yield Problem(f"{where}.settings", choice.settings, str(error))
            continue
        given.update(analysis.values_given())
        yield from _reference_problems(campaign, choice, where, jobs)
        yield from _stock_problems(campaign, analysis, where, rig)
    for name in campaign.measured_names:
        if given[name] != 1:
            got = f"{name} from {given[name]} analyses" if given[name] else None
            yield Problem("recipe.analysis", got, f"one analysis that gives {name}")


def _reference_problems(
    campaign: CampaignSpec, choice: AnalysisChoice, where: str, jobs: Sequence[RecipeJob]
) -> Iterator[Problem]:
    """Settings called ``job``, ``jobs`` or ``…_job`` name jobs of the recipe."""
    names = {job.name for job in jobs}
    for key, value in choice.settings.items():
        if key not in {"job", "jobs"} and not key.endswith("_job"):
            continue
        said = value if isinstance(value, list | tuple) else [value]
        meant: set[str] = set()
        for one in said:
            if isinstance(one, str):
                meant |= {one.replace(PLACEHOLDER, each) for each in campaign.space.components}
        for name in sorted(meant - names):
            yield Problem(f"{where}.settings.{key}", name, one_of(names, name))


def _stock_problems(
    campaign: CampaignSpec, analysis: Analysis, where: str, rig: RigSpec
) -> Iterator[Problem]:
    """What is reckoned from volumes needs to know what each component was drawn from."""
    if not analysis.needs_liquid_stock:
        return
    for component in campaign.space.components:
        if component not in rig.stock or rig.stock[component].unit != "ml":
            expected = "a stock in the rig file that has the component's name"
            yield Problem(where, f"component {component} without stock", expected)
