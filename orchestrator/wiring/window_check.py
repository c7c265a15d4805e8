"""A campaign is refused whose samples take longer than its run windows or its hours."""

from orchestrator.errors import RecipeError
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.window_fit import beyond_windows

__all__ = ["refuse_narrow_windows"]


def refuse_narrow_windows(recipe: CompiledRecipe, file: str) -> None:
    """Refuse hours into which not even one of the points fits at which a search begins.

    A candidate that takes longer is refused when it is proposed.

    Args:
        recipe: Compiled for its rig.
        file: The campaign file, for the message.

    Raises:
        RecipeError: None fits.
    """
    if recipe.campaign.run_windows is None and recipe.campaign.stopping.max_hours is None:
        return
    from orchestrator.optimise.feasible_set import FeasibleSet

    feasible = FeasibleSet.of(recipe.campaign)
    found = []
    for start in feasible.starts:
        problem = beyond_windows(recipe, feasible.lattice.point(start.tolist()))
        if problem is None:
            return
        found.append(problem)
    raise RecipeError(file, found[:1])
