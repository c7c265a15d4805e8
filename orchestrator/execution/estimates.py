"""How much of each stock the greediest point of a space takes; no experiment is started for it."""

from decimal import Decimal
from typing import Final

from campaigns.expression import Condition, Expression
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.extremes import Extremes, extremes_of
from orchestrator.execution.stock_amounts import per_unit

__all__ = ["worst_stock_use"]

_NOTHING_PLEASES: Final = Extremes(1.0, 0.0)


def worst_stock_use(recipe: CompiledRecipe) -> dict[str, float | None]:
    """Return the most that one experiment can take of each stock of the rig, in its unit.

    Each job is taken at its own greediest point, so that a stock which several jobs draw from
    may be given more than any one point takes.

    Args:
        recipe: Compiled.

    Returns:
        By stock; None where an amount is bound by an expression that is not linear.
    """
    campaign = recipe.campaign
    worst: dict[str, float | None] = dict.fromkeys(recipe.rig.stock, 0.0)
    for job in recipe.recipe.jobs_for(campaign.space.components):
        stock = recipe.stock_drawn_by(job.instrument, job.action)
        if stock is None:
            continue
        for name, binding in job.arguments.items():
            factor = per_unit(name, recipe.rig.stock[stock].unit)
            if factor is None or isinstance(binding, str):
                continue
            largest = _largest(recipe, binding, job.when)
            before = worst[stock]
            if largest is None or before is None:
                worst[stock] = None
            else:
                worst[stock] = before + largest * factor
    return worst


def _largest(
    recipe: CompiledRecipe, binding: Decimal | Expression, when: Condition | None
) -> float | None:
    """Return the largest value of a binding; None if it is not linear."""
    if isinstance(binding, Decimal):
        return float(binding)
    campaign = recipe.campaign
    form = binding.substitute(campaign.definitions).linear_form()
    if form is None:
        return None
    condition = when.substitute(campaign.definitions) if when is not None else None
    found = extremes_of(form, campaign, condition, _NOTHING_PLEASES)
    return found.high if found is not None else 0.0
