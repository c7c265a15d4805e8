"""Which rows may share a proposal: one furnace temperature, few different components together.

Rows that may stand in one proposal form a room: the levels that they share, and the components
that they may hold. A proposal is begun only in rooms that have enough free rows, wherever there
are such rooms, and each pick leaves at least one of those rooms open.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np

from campaigns.spec import CampaignSpec
from orchestrator.optimise.lattice import BoolArray, IntArray, Lattice

__all__ = ["Companions", "Rooms", "most_present"]

_MOST_SUBSETS: Final = 2_000
"""Sets of components, at most, that are looked at one by one; beyond, sets are grown."""
_MOST_PARTS: Final = 8
"""Parts of a lattice, at most, in which companions of one row are sought."""
Rooms: TypeAlias = Mapping[tuple[int, ...], BoolArray]
"""By the levels that are shared: for each room, one a row, which components may be present."""


def most_present(campaign: CampaignSpec) -> int | None:
    """Return how many components one candidate may hold because of its batch; None: no limit."""
    return None if campaign.batch is None else campaign.batch.max_components


@dataclass(frozen=True, slots=True)
class Companions:
    """Judges rows by those that were picked for the same proposal."""

    shared: tuple[int, ...]
    """Variables that have one level for all candidates of a proposal."""
    n_components: int
    max_components: int
    """How many different components a proposal may hold."""

    @classmethod
    def of(cls, campaign: CampaignSpec) -> "Companions":
        """Read the rules of a campaign."""
        names = list(campaign.space.names)
        n_components = len(campaign.space.components)
        rules = campaign.batch
        return cls(
            shared=tuple(names.index(name) for name in rules.same) if rules else (),
            n_components=n_components,
            max_components=(rules and rules.max_components) or n_components,
        )

    @property
    def is_free(self) -> bool:
        """Whether any rows may share a proposal."""
        return not self.shared and self.max_components >= self.n_components

    def may_join(self, rows: IntArray, picked: IntArray) -> BoolArray:
        """Return which rows may share a proposal with all rows that were picked.

        Args:
            rows: `n x d`.
            picked: `k x d` rows that may share one, perhaps none.
        """
        fits = np.ones(len(rows), dtype=np.bool_)
        if self.is_free or not len(rows):
            return fits
        for variable in self.shared if len(picked) else ():
            fits &= rows[:, variable] == picked[0, variable]
        present = (picked[:, : self.n_components] > 0).any(axis=0)
        together = (rows[:, : self.n_components] > 0) | present
        return np.asarray(fits & (together.sum(axis=1) <= self.max_components), dtype=np.bool_)

    def joining(self, rows: IntArray, picked: IntArray) -> IntArray:
        """Return the rows that may share a proposal with those that were picked."""
        return rows if self.is_free else rows[self.may_join(rows, picked)]

    def rooms(self, fresh: IntArray, known: IntArray, picked: IntArray, n: int) -> Rooms:
        """Return the rooms that have the most of `n` rows, fresh ones before known ones.

        Args:
            fresh: `k x d` rows that were not made and may join what was picked.
            known: `m x d` rows that may be made again and join it.
            picked: Rows of the proposal so far, perhaps none.
            n: Rows that the proposal still lacks.
        """
        before = self._held(picked).any(axis=0)
        rows = np.vstack([fresh, known])
        is_fresh = np.arange(len(rows)) < len(fresh)
        found: dict[tuple[int, ...], BoolArray] = {}
        best = (0, 0)
        for levels, places in self._by_levels(rows).items():
            held = np.asarray(self._held(rows[places]) | before, dtype=np.bool_)
            held, kind = np.unique(held, axis=0, return_inverse=True)
            fits = held.sum(axis=1) <= self.max_components
            n_all = np.bincount(kind.ravel(), minlength=len(held))
            n_fresh = np.bincount(kind.ravel(), is_fresh[places], minlength=len(held))
            numbers = np.stack([n_all, n_fresh], axis=1) * fits[:, None]
            sets = self._candidate_sets(held[fits])
            inside = _is_inside(held, sets)
            ranks = np.minimum(inside.T.astype(np.float64) @ numbers, n)
            rank = max((tuple(each) for each in ranks.tolist()), default=(0, 0))
            if rank > best:
                best, found = rank, {}
            if rank == best and rank > (0, 0):
                found[levels] = sets[(ranks == rank).all(axis=1)]
        return found

    def most_together(self, rows: IntArray, picked: IntArray) -> int:
        """Return how many rows, all of which may join what was picked, may share one proposal."""
        held = np.unique(self._held(rows), axis=0, return_counts=True)
        before = self._held(picked).any(axis=0)
        sets = self._candidate_sets(held[0] | before)
        counts = _is_inside(held[0] | before, sets).T.astype(np.float64) @ held[1]
        return int(counts.max(initial=0))

    def inside(self, rows: IntArray, picked: IntArray, rooms: Rooms) -> BoolArray:
        """Return which rows lie, together with those that were picked, in one of some rooms."""
        fits = np.zeros(len(rows), dtype=np.bool_)
        before = self._held(picked).any(axis=0)
        by_levels = self._by_levels(rows)
        for levels, sets in rooms.items():
            if levels in by_levels:
                places = by_levels[levels]
                held = np.asarray(self._held(rows[places]) | before, dtype=np.bool_)
                held, kind = np.unique(held, axis=0, return_inverse=True)
                has_room: BoolArray = np.asarray(_is_inside(held, sets).any(axis=1), dtype=np.bool_)
                fits[places] = has_room[kind.ravel()]
        return np.asarray(fits & self.may_join(rows, picked), dtype=np.bool_)

    def around(self, lattice: Lattice, picked: IntArray) -> list[Lattice]:
        """Return parts of a lattice in which everything may join what was picked.

        Args:
            lattice: The lattice.
            picked: `k x d` rows that may share a proposal, k at least 1.
        """
        held = np.flatnonzero(self._held(picked).any(axis=0))
        others = [i for i in range(self.n_components) if i not in held]
        room = max(0, min(self.max_components - len(held), len(others)))
        turns = range(min(_MOST_PARTS, max(1, len(others)))) if room else range(1)
        parts: list[Lattice] = []
        for turn in turns:
            allowed = list(lattice.allowed)
            for variable in self.shared:
                allowed[variable] = picked[:1, variable]
            left_out = (others[turn:] + others[:turn])[room:]
            for variable in left_out:
                allowed[variable] = allowed[variable][allowed[variable] == 0]
            if all(len(values) for values in allowed):
                parts.append(replace(lattice, allowed=tuple(allowed)))
            if room == len(others):
                break
        return parts

    def _held(self, rows: IntArray) -> BoolArray:
        return np.asarray(rows[:, : self.n_components] > 0, dtype=np.bool_)

    def _by_levels(self, rows: IntArray) -> dict[tuple[int, ...], IntArray]:
        """Return the places of rows by the levels that would be shared."""
        if not len(rows):
            return {}
        if not self.shared:
            return {(): np.arange(len(rows), dtype=np.int64)}
        levels, kind = np.unique(rows[:, list(self.shared)], axis=0, return_inverse=True)
        order = np.argsort(kind.ravel(), kind="stable")
        cuts = np.cumsum(np.bincount(kind.ravel()))[:-1]
        pieces = np.split(order, cuts)
        return {tuple(each): piece for each, piece in zip(levels.tolist(), pieces, strict=True)}

    def _candidate_sets(self, held: BoolArray) -> BoolArray:
        """Return sets of components to look at: all, or those grown from sets that occur."""
        n = self.n_components
        if not len(held):
            return held
        most = min(self.max_components, n)
        if math.comb(n, most) > _MOST_SUBSETS:
            return np.unique(np.array([self._grown(each, held) for each in held]), axis=0)
        sets = np.zeros((math.comb(n, most), n), dtype=np.bool_)
        for place, members in enumerate(itertools.combinations(range(n), most)):
            sets[place, list(members)] = True
        return sets

    def _grown(self, present: BoolArray, held: BoolArray) -> BoolArray:
        """Return a set of components, joined by the sets that add the fewest others."""
        grown = present.copy()
        for place in np.argsort((held & ~present).sum(axis=1), kind="stable"):
            joined = grown | held[place]
            if joined.sum() <= self.max_components:
                grown = joined
        return grown


def _is_inside(held: BoolArray, sets: BoolArray) -> BoolArray:
    """Return for `k` sets of present components whether each lies within each of `s` sets."""
    outside = held.astype(np.float64) @ (~sets).T.astype(np.float64)
    return np.asarray(outside == 0, dtype=np.bool_)
