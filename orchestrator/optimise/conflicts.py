"""Why nothing is feasible: a smallest set of constraints and limits that exclude each other.

Every set that is named was proved to leave no point: by propagation, by a mixed-integer program, or
by looking at every point that is left.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import numpy as np

from campaigns.spec import CampaignSpec
from orchestrator.optimise.conditions import Conditions
from orchestrator.optimise.drawing import Drawer
from orchestrator.optimise.enumeration import enumerate_rows, sieve_rows
from orchestrator.optimise.lattice import BoolArray, IntArray, Lattice
from orchestrator.optimise.linear_program import LinearProgram
from orchestrator.optimise.narrowing import narrowed

__all__ = ["Conflict", "conflict_between", "unmet_by_all"]

_LISTED: Final = 300_000
"""Lattice points, at most, that are listed to find the smallest set of all."""
_LOOKED_AT: Final = 1_000_000
"""Points and parts of points, at most, that are looked at to judge one set of constraints."""
_DRAWN: Final = 2_048
_MOST_SETS: Final = 5_000
"""Sets of constraints, at most, that are tried to find a smaller one."""


class _Verdict(Enum):
    NO_POINT = "no point"
    SOME_POINT = "some point"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Constraints and limits that no point of the lattice meets together."""

    texts: tuple[str, ...]
    """Conditions as the file writes them, and limits as ``key = value``; none if bounds and step
    alone leave no point."""
    is_smallest: bool
    """Whether it is proved that none of them can be left out."""

    def __str__(self) -> str:
        if not self.texts:
            return "no composition fits the bounds and the numbers of components"
        listed = " and ".join(repr(text) for text in self.texts)
        if len(self.texts) == 1:
            return f"{listed} cannot hold within the bounds"
        doubt = "" if self.is_smallest else "; perhaps some of them alone cannot either"
        return f"{listed} cannot hold together within the bounds{doubt}"


def conflict_between(campaign: CampaignSpec, conditions: Conditions) -> Conflict:
    """Return a smallest set of constraints and limits that leaves no point.

    Args:
        campaign: A campaign without a feasible point.
        conditions: Its conditions.

    Returns:
        The smallest of all where the lattice can be listed, else one of which nothing can be left
        out, as far as that could be proved.
    """
    judge = _Judge.of(campaign, conditions)
    smallest = judge.smallest_by_listing()
    if smallest is not None:
        return Conflict(smallest, is_smallest=True)
    return judge.reduced()


@dataclass(frozen=True, slots=True, eq=False)
class _Judge:
    """Says of sets of constraints whether they leave a point."""

    conditions: Conditions
    lattice: Lattice
    """Without limits of the number of present components."""
    limits: dict[str, int]
    """By text, how many components may be present."""

    @classmethod
    def of(cls, campaign: CampaignSpec, conditions: Conditions) -> "_Judge":
        composition, limits = campaign.space.composition, {}
        n_components = len(campaign.space.components)
        if composition is not None and composition.max_active < n_components:
            most = composition.max_active
            limits[f"space.composition.max_active = {most}"] = most
        if campaign.batch is not None and campaign.batch.max_components is not None:
            most = campaign.batch.max_components
            limits[f"batch.max_components = {most}"] = most
        lattice = replace(conditions.lattice, max_active=n_components)
        return cls(conditions, lattice, limits)

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that may be to blame, limits first."""
        tables = [table.text for table in self.conditions.tables]
        others = [condition.text for condition in self.conditions.others]
        return tuple(dict.fromkeys([*self.limits, *tables, *others]))

    def part(self, texts: Iterable[str]) -> Conditions:
        """Return some conditions over the lattice with some limits."""
        kept = set(texts)
        active = [most for text, most in self.limits.items() if text in kept]
        return Conditions(
            replace(self.lattice, max_active=min([*active, self.lattice.max_active])),
            tuple(table for table in self.conditions.tables if table.text in kept),
            tuple(each for each in self.conditions.others if each.text in kept),
        )

    def smallest_by_listing(self) -> tuple[str, ...] | None:
        """Return the smallest set by looking at every lattice point; None if there are too many."""
        free = Conditions(self.lattice, (), ())
        rows = enumerate_rows(free, self.lattice, _LISTED)
        if rows is None:
            return None
        kinds = np.unique(np.array([~self._meets(text, rows) for text in self.texts]).T, axis=0)
        tried = 0
        for size in range(len(self.texts) + 1):
            for places in itertools.combinations(range(len(self.texts)), size):
                tried += 1
                if tried > _MOST_SETS:
                    return None
                if kinds[:, list(places)].any(axis=1).all():
                    return tuple(self.texts[place] for place in places)
        return None

    def _meets(self, text: str, rows: IntArray) -> BoolArray:
        if text in self.limits:
            n_present = (rows[:, : self.lattice.n_components] > 0).sum(axis=1)
            return np.asarray(n_present <= self.limits[text], dtype=np.bool_)
        part = self.part([text])
        return part.hold(rows)

    def reduced(self) -> Conflict:
        """Leave out one after the other what is not needed; then try smaller linear sets."""
        needed = list(self.texts)
        is_smallest = True
        for text in reversed(self.texts):
            without = [each for each in needed if each != text]
            verdict = self._verdict(without)
            if verdict is _Verdict.NO_POINT:
                needed = without
            is_smallest &= verdict is not _Verdict.UNKNOWN
        return Conflict(self._smaller_linear(needed), is_smallest)

    def _smaller_linear(self, needed: Sequence[str]) -> tuple[str, ...]:
        """Return a smaller conflict of linear conditions and limits, or what is given."""
        others = {each.text for each in self.conditions.others}
        linear = [text for text in self.texts if text not in others]
        tried = 0
        for size in range(1, min(len(needed), 4)):
            for texts in itertools.combinations(linear, size):
                tried += 1
                if tried > _MOST_SETS // 10:
                    return tuple(needed)
                if self._verdict(texts) is _Verdict.NO_POINT:
                    return texts
        return tuple(needed)

    def _verdict(self, texts: Iterable[str]) -> _Verdict:
        """Judge one set of constraints and limits."""
        part = self.part(texts)
        narrow = narrowed(part)
        if narrow is None or LinearProgram.of(part.lattice).is_impossible(part.tables):
            return _Verdict.NO_POINT
        if not part.others:
            program = LinearProgram.of(part.lattice)
            row = program.solve(part.tables, np.zeros(program.n_columns))
            is_met = row is not None and bool((part.lattice.contains(row[None, :])).all())
            is_met = is_met and row is not None and bool(part.hold(row[None, :]).all())
            return _Verdict.SOME_POINT if is_met else _Verdict.UNKNOWN
        rng = np.random.default_rng(0)
        uniforms = rng.random((_DRAWN, narrow.n_variables + 1))
        if part.hold(Drawer(narrow).draw(uniforms, is_even_over_active=True)).any():
            return _Verdict.SOME_POINT
        rows = sieve_rows(part, narrow, _LOOKED_AT, most_looked_at=_LOOKED_AT)
        if rows is None:
            return _Verdict.UNKNOWN
        return _Verdict.SOME_POINT if len(rows) else _Verdict.NO_POINT


def unmet_by_all(campaign: CampaignSpec, lattice: Lattice, rows: IntArray) -> str:
    """Say which constraints no listed point meets together, the smallest set of them.

    Args:
        campaign: A campaign that lists points of which none is feasible.
        lattice: Its lattice.
        rows: `n x d`, all listed points.
    """
    held = {each.text: Conditions.of(lattice, [each]).hold(rows) for each in campaign.conditions}
    inside = lattice.contains(rows)
    if not inside.all():
        held["batch.max_components"] = inside
    for size in range(1, len(held) + 1):
        for texts in itertools.islice(itertools.combinations(held, size), _MOST_SETS):
            if not np.logical_and.reduce([held[text] for text in texts]).any():
                listed = " and ".join(map(repr, texts))
                together = " together" if size > 1 else ""
                return f"none of the {len(rows)} listed points meets {listed}{together}"
    return f"none of the {len(rows)} listed points meets all constraints together"
