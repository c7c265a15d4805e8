"""A campaign is refused that has a feasible point where stocks meet that must never meet."""

from collections.abc import Iterator

from campaigns.errors import NoFeasiblePoint, Problem
from campaigns.expression import Expression
from campaigns.recipe import RecipeJob
from campaigns.spec import CampaignSpec, Constraint
from orchestrator.core.point import Point
from orchestrator.errors import RecipeError
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.forbidden_pairs import Meeting, possible_meetings
from orchestrator.execution.stock_amounts import per_unit

__all__ = ["refuse_meetings"]


def refuse_meetings(recipe: CompiledRecipe, file: str) -> None:
    """Refuse a recipe that would bring stocks together at some feasible point.

    Args:
        recipe: Compiled for its rig.
        file: The campaign file, for the message.

    Raises:
        RecipeError: It would, with a point that does it.
    """
    if not recipe.rig.never_together:
        return
    jobs = recipe.recipe.jobs_for(recipe.campaign.space.components)
    problems: dict[tuple[str, ...], Problem] = {}
    for meeting in possible_meetings(jobs, recipe.rig):
        key = (*meeting.stocks, meeting.vessel)
        point = None if key in problems else _point_of(meeting, jobs, recipe)
        if point is not None:
            values = ", ".join(f"{name} = {value}" for name, value in point.items() if value)
            expected = "a constraint that keeps them apart at every feasible point"
            problems[key] = Problem("recipe.job", f"{meeting} at {values}", expected)
    if problems:
        raise RecipeError(file, list(problems.values()))


def _point_of(
    meeting: Meeting, jobs: tuple[RecipeJob, ...], recipe: CompiledRecipe
) -> Point | None:
    """Return a feasible point at which every job of a meeting moves something; None if none does.

    Where a set is too large to be listed, that no point was found is no proof: a candidate that
    would do it all the same is refused when it is proposed.
    """
    from orchestrator.optimise.feasible_set import FeasibleSet

    campaign = recipe.campaign
    wanted = [
        Constraint.model_validate({"expression": text})
        for job in jobs
        if job.name in meeting.jobs
        for text in dict.fromkeys(_conditions(job, recipe))
    ]
    narrowed: CampaignSpec = campaign.model_copy(
        update={"constraints": (*campaign.constraints, *wanted)}
    )
    try:
        feasible = FeasibleSet.of(narrowed)
    except NoFeasiblePoint:
        return None
    return feasible.lattice.point(feasible.starts[0].tolist())


def _conditions(job: RecipeJob, recipe: CompiledRecipe) -> Iterator[str]:
    """Yield what must hold for a job to be done and to move something."""
    if job.when is not None:
        yield job.when.text
    stock = recipe.stock_drawn_by(job.instrument, job.action)
    for name, value in job.arguments.items():
        unit = recipe.rig.stock[stock].unit if stock is not None else "ml"
        if isinstance(value, Expression) and per_unit(name, unit) is not None:
            yield f"({value.text}) > 0"
