"""A better order than the rule's, searched for within a time budget; else the rule's own."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Final

from orchestrator.core.dispatch import best_forecast
from orchestrator.core.foreseen import Forecast, Start
from orchestrator.core.retiming import retimed
from orchestrator.core.shop import Shop
from orchestrator.scheduling.model import Breaks, ShopModel

__all__ = ["Ahead", "Budget", "is_available", "least_makespan_s", "look_ahead"]

_BOUND_SEARCHES: Final = (
    "objective_lb_search_max_lp",
    "objective_lb_search",
    "lb_tree_search",
    "quick_restart",
)
"""What of the solver's own searches proves how good a schedule can be at most."""
_RIVAL: Final = "grpc_tools._protoc_compiler"
"""Brings a library that OR-tools brings too; beside each other they abort (DECISION 185)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is spent on a search."""

    effort: float = 5.0
    """In the solver's own measure, roughly seconds of one core: the same search every time."""
    longest_s: float = 60.0
    """On a machine so slow that the effort takes longer, the search is given up, unused."""
    n_workers: int = 4


@dataclass(frozen=True, slots=True)
class Ahead:
    """What looking ahead has found."""

    forecast: Forecast
    """How all work goes."""
    is_planned: bool = False
    """Whether a searched order beats the rule; else the forecast is the rule's."""
    why: str = ""
    """Why the rule is followed."""

    @property
    def plan(self) -> Sequence[Start]:
        """What is to be followed; nothing if the rule is."""
        return self.forecast.starts if self.is_planned else ()


_BUDGET: Final = Budget()


def is_available() -> bool:
    """Tell whether OR-tools is installed."""
    return find_spec("ortools") is not None


def look_ahead(shop: Shop, budget: Budget = _BUDGET) -> Ahead:
    """Return how all work should go: as searched for, if that beats the rule.

    Args:
        shop: What there is to do.
        budget: For the search.
    """
    by_rule = best_forecast(shop)
    if not is_available():
        return Ahead(by_rule, why="OR-tools is not installed")
    if _RIVAL in sys.modules:
        return Ahead(by_rule, why=f"{_RIVAL} is loaded, and OR-tools would end this process")
    if by_rule.makespan_s <= 0.0:
        return Ahead(by_rule, why="there is nothing to put into an order")
    starts = _search(shop, by_rule, budget)
    if starts is None:
        return Ahead(by_rule, why="nothing was found within the time budget")
    planned = retimed(shop, starts)
    if planned is None or planned.score() >= by_rule.score():
        return Ahead(by_rule, why="no better order was found within the time budget")
    return Ahead(planned, is_planned=True)


def _search(shop: Shop, by_rule: Forecast, budget: Budget) -> list[Start] | None:
    from ortools.sat.python.cp_model import FEASIBLE, OPTIMAL, CpSolver

    done = {key: shop.tasks[key] for start in by_rule.starts for key in start.keys}
    model = ShopModel(replace(shop, tasks=done), by_rule.makespan_s + 1.0, late=by_rule.late)
    model.hint(by_rule.starts)
    solver = CpSolver()
    solver.parameters.max_deterministic_time = budget.effort
    solver.parameters.max_time_in_seconds = budget.longest_s
    solver.parameters.num_workers = budget.n_workers
    solver.parameters.interleave_search = True
    status = solver.solve(model.model)
    is_cut_off = solver.wall_time >= budget.longest_s
    if status not in (OPTIMAL, FEASIBLE) or (is_cut_off and status != OPTIMAL):
        return None
    return model.starts(solver)


def least_makespan_s(
    shop: Shop, known_s: float, longest_s: float, *, breaks: Breaks | None = None
) -> float:
    """Return a time before which all work cannot be done, as the solver has proven.

    Args:
        shop: What there is to do, in whole seconds; every task of it can be done, and those of one
            load take equally long.
        known_s: A makespan that is known to be possible.
        longest_s: How long the solver may try to prove more.
        breaks: When machines stand still, as it turned out.
    """
    from ortools.sat.python.cp_model import INFEASIBLE, CpSolver

    model = ShopModel(shop, known_s, breaks=breaks or {})
    solver = CpSolver()
    solver.parameters.max_time_in_seconds = longest_s
    solver.parameters.num_workers = len(_BOUND_SEARCHES)
    solver.parameters.subsolvers.extend(_BOUND_SEARCHES)
    status = solver.solve(model.model)
    return known_s if status == INFEASIBLE else min(known_s, solver.best_objective_bound)
