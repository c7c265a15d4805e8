"""What pages of a large campaign are shown: frozen models, and nothing that reads a log."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from orchestrator.service.views import ExperimentView, JobView, ObjectiveView

__all__ = [
    "Bound",
    "ExperimentDetail",
    "ExperimentPage",
    "FrontPoint",
    "FrontView",
    "JobsView",
    "SpecFilter",
]


class _View(BaseModel):
    """Frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ExperimentPage(_View):
    """Some rows of the table of experiments."""

    items: tuple[ExperimentView, ...]
    n_matching: int
    """How many the filter lets through."""
    n_all: int
    next_after: str | None
    """The experiment after which the next page begins; None on the last one."""
    order: str
    orders: tuple[str, ...]
    """What they can be ordered by."""


class ExperimentDetail(_View):
    """One experiment with all of its jobs."""

    experiment: ExperimentView
    jobs: tuple[JobView, ...]


class Bound(_View):
    """A limit that a person sets to see what keeps it; at least one end is given.

    Example:
        >>> Bound(name="overpotential_v", at_most=0.3).holds(0.28)
        True
    """

    name: str
    """Of an objective, an outcome, a component or a parameter."""
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError(f"{self.name}: got no limit, expected at_least, at_most or both")
        return self

    def holds(self, value: float) -> bool:
        """Tell whether a value keeps the limit."""
        is_enough = self.at_least is None or value >= self.at_least
        return is_enough and (self.at_most is None or value <= self.at_most)


class SpecFilter(_View):
    """Which observations a front is made of."""

    must_meet: bool = True
    """Only those that keep the specifications of the campaign file."""
    bounds: tuple[Bound, ...] = ()
    """And all of these; one without the value does not keep it."""


class FrontPoint(_View):
    """One observation between the objectives."""

    experiment_id: str
    number: int
    values: Mapping[str, float]
    """Every objective in the campaign file's unit."""


class FrontView(_View):
    """The Pareto front, and what is not on it."""

    objectives: tuple[ObjectiveView, ...]
    front: tuple[FrontPoint, ...]
    """In order of the first objective."""
    others: tuple[FrontPoint, ...]
    """Dominated ones and those that the filter keeps out; evenly chosen where there are many."""
    n_counting: int
    """How many the filter lets through."""
    n_observed: int
    """How many have a value of every objective."""
    n_left_out: int
    """How many stand neither in `front` nor in `others`."""


class JobsView(_View):
    """The jobs of a stretch of time, for a timeline."""

    jobs: tuple[JobView, ...]
    from_h: float
    until_h: float
    now_h: float
    """The present on the campaign's clock: where bars without an end reach to."""
    n_left_out: int
    """Jobs of the stretch's earlier experiments that were too many to be shown."""
