"""How long the candidates that could start would take at least."""

from collections.abc import Mapping

from orchestrator.core.campaign import CampaignState
from orchestrator.core.point import Point
from orchestrator.core.references import reference_candidate
from orchestrator.execution.compile import CompiledRecipe

__all__ = ["Durations"]


class Durations:
    """What the recipe takes at each point, worked out once.

    Args:
        recipe: Of the campaign.
    """

    def __init__(self, recipe: CompiledRecipe) -> None:
        self._recipe = recipe
        self._known: dict[tuple[tuple[str, float | str], ...], float] = {}

    def of(self, state: CampaignState) -> Mapping[str, float]:
        """Return seconds by candidate id of the queue; ``reference`` is a reference sample.

        Args:
            state: The campaign; nothing is worked out for one that may take any time.
        """
        if state.spec.run_windows is None and state.spec.stopping.max_hours is None:
            return {}
        found = {one.candidate_id: self._lasts_s(one.candidate.point) for one in state.queue}
        if state.spec.reference is not None:
            found["reference"] = self._lasts_s(reference_candidate(state).point)
        return found

    def _lasts_s(self, point: Point) -> float:
        key = tuple(sorted(point.items()))
        if key not in self._known:
            self._known[key] = self._recipe.expected_s(point)
        return self._known[key]
