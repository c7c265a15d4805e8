"""Stocks that must never meet in one vessel, and the jobs of a recipe that would let them.

Within one experiment a vessel is taken to hold everything that ever came into it: that it is
emptied or rinsed in between is no excuse, and in what order jobs are done does not matter.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Protocol, TypeVar

from orchestrator.core.events import PlannedJob
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.execution.stock_amounts import per_unit

__all__ = ["Meeting", "Pouring", "meeting_of", "possible_meetings"]


class Pouring(Protocol):
    """A job, as far as it says which instrument does what."""

    @property
    def name(self) -> str:
        """Its name in the recipe."""
        ...

    @property
    def instrument(self) -> str:
        """Its name in the rig."""
        ...

    @property
    def action(self) -> str:
        """One of its driver's."""
        ...


Job = TypeVar("Job", bound=Pouring)
Ways = dict[str, dict[str, list[tuple[Job, ...]]]]
"""By vessel and stock, the rows of jobs by which the stock gets there."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two stocks in one vessel."""

    stocks: tuple[str, str]
    vessel: str
    reason: str
    """What would happen, as the rig file says it."""
    jobs: tuple[str, ...]
    """Names of all jobs that bring them there."""

    def __str__(self) -> str:
        """Return it as people read it."""
        first, second = self.stocks
        return f"{first} and {second} would meet in {self.vessel} ({self.reason})"


def meeting_of(jobs: Sequence[PlannedJob], rig: RigSpec) -> Meeting | None:
    """Return two stocks that jobs would bring together and that must never meet; None if none do.

    Args:
        jobs: Of one experiment, with what they draw.
        rig: Says which.
    """
    if not rig.never_together:
        return None
    return next(possible_meetings([job for job in jobs if _moves(job, rig)], rig), None)


def possible_meetings(jobs: Iterable[Job], rig: RigSpec) -> Iterator[Meeting]:
    """Yield every way in which jobs would bring stocks together that must never meet.

    Args:
        jobs: Of one experiment; each is taken to move something.
        rig: Says which stocks, and from where to where each instrument moves liquid.
    """
    ways = _ways_of(list(jobs), rig)
    for vessel, by_stock in ways.items():
        for rule in rig.never_together:
            present = [stock for stock in rule.stock if stock in by_stock]
            for first, second in combinations(present, 2):
                for one, other in product(by_stock[first], by_stock[second]):
                    names = dict.fromkeys(job.name for job in (*one, *other))
                    yield Meeting((first, second), vessel, rule.reason, tuple(names))


def _ways_of(
    jobs: Sequence[Job], rig: RigSpec
) -> Mapping[str, Mapping[str, list[tuple[Job, ...]]]]:
    ways: Ways[Job] = {}
    for job in jobs:
        spec = rig.instruments[job.instrument]
        if spec.delivers_to is not None and _draws_stock(job, rig):
            of = ways.setdefault(spec.delivers_to, {})
            of.setdefault(spec.draws_from or "", []).append((job,))
    has_changed = True
    while has_changed:
        has_changed = False
        for job in jobs:
            spec = rig.instruments[job.instrument]
            if spec.draws_from not in ways or spec.delivers_to is None or job.action == "withdraw":
                continue
            for stock, rows in list(ways[spec.draws_from].items()):
                known = ways.setdefault(spec.delivers_to, {}).setdefault(stock, [])
                more = [(*row, job) for row in rows if job not in row and (*row, job) not in known]
                known.extend(more)
                has_changed = has_changed or bool(more)
    return ways


def _moves(job: PlannedJob, rig: RigSpec) -> bool:
    """Tell whether a job moves anything: not if the amount that it is asked for is 0."""
    stock = rig.stock.get(rig.instruments[job.instrument].draws_from or "")
    if stock is None or job.draws:
        return True
    return all(per_unit(name, stock.unit) is None for name in job.arguments)


def _draws_stock(job: Pouring, rig: RigSpec) -> bool:
    return rig.instruments[job.instrument].draws_from in rig.stock and job.action != "withdraw"
