"""Whether a sample can be made and measured within one run window, and the campaign's hours."""

from math import inf

from campaigns.errors import Problem
from orchestrator.core.point import Point
from orchestrator.execution.compile import CompiledRecipe

__all__ = ["beyond_windows"]


def beyond_windows(recipe: CompiledRecipe, point: Point) -> Problem | None:
    """Say what is wrong with a sample for which no run window, or the campaign, is long enough.

    Args:
        recipe: With the campaign that names the windows and its hours.
        point: A value for every component and parameter.

    Returns:
        None if nothing is.

    Raises:
        RecipeError: An expression of the recipe has no value at this point.
    """
    windows, max_hours = recipe.campaign.run_windows, recipe.campaign.stopping.max_hours
    in_window_s = inf if windows is None else windows.longest_s
    in_all_s = inf if max_hours is None else 3600.0 * float(max_hours)
    if in_window_s == in_all_s == inf:
        return None
    lasts_s = recipe.expected_s(point)
    if lasts_s <= min(in_window_s, in_all_s):
        return None
    values = ", ".join(f"{name} = {value}" for name, value in point.items() if value)
    got = f"{lasts_s / 3600.0:.2f} h at {values}"
    if lasts_s > in_window_s:
        expected = f"a sample of at most {in_window_s / 3600.0:.2f} h, the longest run window"
        return Problem("run_windows.open", got, expected)
    return Problem("stopping.max_hours", got, f"a sample of at most {in_all_s / 3600.0:.2f} h")
