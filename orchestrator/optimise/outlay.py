"""What an experiment takes, in hours or dollars, by the campaign file alone.

References:
    Improvement by what it costs: [Snoek2012]_.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from campaigns.expression import Expression
from campaigns.spec import CampaignSpec
from orchestrator.optimise.lattice import FloatArray, IntArray, Lattice
from orchestrator.optimise.planner_settings import Outlay

__all__ = ["log_outlay"]

_LEAST: Final = 0.01
"""Hours or dollars that an experiment takes at least, whatever the file says."""


def log_outlay(
    campaign: CampaignSpec, lattice: Lattice, per: Outlay
) -> Callable[[IntArray], FloatArray]:
    """Return the logarithm of what experiments take, as a function of `n x d` rows.

    Where an expression has no value an experiment takes infinitely much.

    Args:
        campaign: Whose recipe names the hours or dollars; `problems_with` says if it does not.
        lattice: Of its space.
        per: What counts; experiments all take the same.

    Raises:
        ValueError: The recipe does not name it.
    """
    if per == "experiment":
        return lambda rows: np.zeros(len(rows))
    recipe = campaign.recipe
    named: Expression | None = None
    if recipe is not None:
        hours, dollars = recipe.hours_per_experiment, recipe.cost_usd_per_experiment
        named = hours if per == "hour" else dollars
    if named is None:
        raise ValueError(f"the recipe does not say what an experiment takes by the {per}")
    expression = named.substitute(campaign.definitions)

    def logarithms(rows: IntArray) -> FloatArray:
        found = _values(expression, lattice, rows)
        counted = np.where(np.isfinite(found), np.maximum(found, _LEAST), np.inf)
        return np.asarray(np.log(counted), dtype=np.float64)

    return logarithms


def _values(expression: Expression, lattice: Lattice, rows: IntArray) -> FloatArray:
    columns = {
        name: column.astype(np.float64)
        for name, column in lattice.columns(rows).items()
        if name in expression.names
    }
    with np.errstate(all="ignore"):
        found = expression.evaluate(columns) if columns else expression.evaluate({})
    return np.broadcast_to(np.asarray(found, dtype=np.float64), (len(rows),))
