"""What begins now, by looking ahead: the rule is run forward to the end of all work; pure.

Work is handed out from moment to moment to whoever is first by a priority. Nothing begins whose
successors could not follow in time: their runs are reserved with it. A machine that does several
tasks at once waits for a fuller load as long as that is worth it. Several priorities are tried, and
the one whose work ends soonest is followed; see [Pinedo2016]_, chapters 14 and 15, for rules and
their mixtures.

.. [Pinedo2016] M. L. Pinedo, Scheduling: Theory, Algorithms, and Systems, 5th ed., Springer 2016,
   doi:10.1007/978-3-319-26580-3.
"""

from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from math import inf
from typing import Final, TypeAlias

from orchestrator.core.foreseen import Forecast, Start
from orchestrator.core.loading import Loading, load_groups
from orchestrator.core.retiming import retimed, without_waits
from orchestrator.core.shop import Shop, Task
from orchestrator.core.timetable import Slot, Timetable

__all__ = ["RULES", "Forecast", "Rank", "Start", "best_forecast", "forecast"]

Rank: TypeAlias = Callable[[Shop], Mapping[str, tuple[float, ...]]]
"""Says by key who is first: the smallest."""

_Ranked: TypeAlias = tuple[tuple[float, ...], str]
_Placed: TypeAlias = tuple[Task, Timetable, Slot]
_TINY_S: Final = 1e-6
_MOST_TRIED: Final = 24
"""Open tasks up to which every rule is tried; beyond, the first alone."""


def forecast(shop: Shop, rank: Rank, *, patience: float = 1.0) -> Forecast:
    """Return how all work goes by one rule.

    Args:
        shop: What there is to do.
        rank: Who is first.
        patience: How long a machine waits for a fuller load, in parts of the load's duration.
    """
    return _Run(shop, rank(shop), patience).whole()


def best_forecast(shop: Shop, plan: Sequence[Start] = ()) -> Forecast:
    """Return how all work goes by the rule that is best for a shop, or by a plan that is better.

    A plan for much work is followed as long as nothing is late by it and nothing left out.

    Args:
        shop: What there is to do.
        plan: What was foreseen, or thought out, before; of its times only the order counts.
    """
    is_small = len(shop.tasks) <= _MOST_TRIED
    planned = retimed(shop, plan) if plan else None
    if planned is not None and not is_small and not planned.late and not planned.left:
        return planned
    found = [] if planned is None else [planned]
    forward: list[Forecast] = []
    for rank, patience in RULES if is_small else RULES[:1]:
        is_bound = bool(shop.promises) and not plan
        backwards = None if is_bound else _backwards(shop, rank, patience)
        found += [] if backwards is None else [backwards]
        is_lost = backwards is None or backwards.left or (backwards.late and planned is None)
        if is_lost or is_small:
            forward.append(forecast(shop, rank, patience=patience))
    found += [kept for one in forward if (kept := _kept(shop, one)) is not None]
    return min(found or forward, key=Forecast.score)


def _kept(shop: Shop, foreseen: Forecast) -> Forecast | None:
    """Return how an order goes if waits are kept at places, too; None if it cannot.

    What was promised before stays as it was promised.
    """
    is_bound = bool(shop.promises) or not _has_waits(shop)
    return foreseen if is_bound else retimed(shop, foreseen.starts)


def _has_waits(shop: Shop) -> bool:
    return any(task.max_wait_s < inf for task in shop.tasks.values())


def _backwards(shop: Shop, rank: Rank, patience: float) -> Forecast | None:
    """Return how work goes in the order of a rule that heeds no waits, each begun late enough.

    What cannot be kept with full loads is tried with half of them, and so on.
    """
    if not _has_waits(shop):
        return None
    largest = max((machine.capacity for machine in shop.machines.values()), default=1)
    while True:
        smaller = without_waits(shop, largest)
        found = retimed(shop, forecast(smaller, rank, patience=patience).starts)
        if found is not None or largest <= 1:
            return found
        largest //= 2


class _Run:
    """The rule, run forward once."""

    def __init__(self, shop: Shop, rank: Mapping[str, tuple[float, ...]], patience: float) -> None:
        self._shop = shop
        place = {key: index for index, key in enumerate(shop.tasks)}
        self._rank = {key: (*rank.get(key, (inf,)), place[key]) for key in shop.tasks}
        self._tables = {name: Timetable(machine) for name, machine in shop.machines.items()}
        self._loading = Loading(shop, self._tables, patience)
        self._ends: dict[str, float] = {**shop.ended, **shop.running}
        self._n_before = {
            key: sum(before in shop.tasks for before in task.after)
            for key, task in shop.tasks.items()
        }
        self._slots: dict[str, tuple[str, Slot]] = {}
        self._free = dict(shop.free)
        self._shut = _shut_places(shop)
        self._ready: dict[str, list[_Ranked]] = {}
        self._times: list[float] = []
        self._leaving: list[tuple[float, str]] = sorted(shop.leaving)
        self._coming: list[tuple[float, str]] = []
        self._waits: dict[str, str] = {}
        self._late: list[str] = []

    def whole(self) -> Forecast:
        """Hand everything out."""
        at_once = [key for key, n_before in self._n_before.items() if not n_before]
        self._keep_promises()
        for key in at_once:
            if key not in self._slots:
                heappush(self._coming, (self._known_s(self._shop.tasks[key]), key))
        for machine in self._shop.machines.values():
            self._look_again_at(machine.free_s)
        for at_s, _ in self._shop.leaving:
            self._look_again_at(at_s)
        self._look_again_at(0.0)
        now_s, first_s = -1.0, inf
        while self._times:
            at_s = heappop(self._times)
            if at_s <= now_s + _TINY_S:
                continue
            now_s = at_s
            first_s = min(first_s, now_s) if now_s > _TINY_S else first_s
            self._hand_out(now_s)
        starts = {(name, slot.begin_s): slot for name, slot in self._slots.values()}
        found = [Start(name, tuple(s.keys), s.begin_s, s.end_s) for (name, _), s in starts.items()]
        return Forecast(
            starts=tuple(sorted(found, key=lambda start: (start.begin_s, start.machine))),
            waits=self._waits,
            late=tuple(self._late),
            left=tuple(key for key in self._shop.tasks if key not in self._slots),
            look_s=first_s,
        )

    def _look_again_at(self, time_s: float) -> None:
        if time_s < inf:
            heappush(self._times, max(0.0, time_s))

    def _known_s(self, task: Task) -> float:
        """Return from when on a task can begin, as far as those before it go."""
        ends = [self._ends[key] for key in task.after if key in self._ends]
        return max(ends, default=0.0)

    def _keep_promises(self) -> None:
        """Reserve what must follow soon what has ended or is under way, the most urgent first."""
        urgent = [
            task
            for task in self._shop.tasks.values()
            if task.max_wait_s < inf and not self._n_before[task.key]
        ]
        urgent.sort(key=lambda task: self._known_s(task) + task.max_wait_s)
        kept: list[_Placed] = []
        for key in sorted(self._shop.promises, key=lambda key: self._shop.promises[key][1]):
            if key in self._shop.tasks:
                self._keep(self._shop.tasks[key], kept)
        for task, _, slot in kept:
            self._settle(task, slot)
        for task, _, _ in list(kept):
            more: list[_Placed] = []
            if not self._follow(task, more):
                self._late.append(task.key)
            for one, _, slot in more:
                self._settle(one, slot)
        for task in urgent:
            if task.key in self._slots:
                continue
            if self._chain(task, max(0.0, self._known_s(task))) is None:
                self._late.append(task.key)

    def _keep(self, task: Task, kept: list[_Placed]) -> None:
        """Place a task as it was promised, if that still fits."""
        if any(key in self._shop.tasks and key not in self._ends for key in task.after):
            return
        name, begin_s = self._shop.promises[task.key]
        table, known_s = self._tables.get(name), self._known_s(task)
        begin_s = max(begin_s, known_s, 0.0)
        if table is None or begin_s > known_s + task.max_wait_s + _TINY_S:
            return
        has_room = any(True for _ in table.joinable(task.load, begin_s, begin_s))
        if has_room or table.is_free(begin_s, task.duration_s):
            self._place(task, begin_s, table, kept)

    def _hand_out(self, now_s: float) -> None:
        while self._leaving and self._leaving[0][0] <= now_s + _TINY_S:
            _, place = heappop(self._leaving)
            if place in self._free:
                self._free[place] += 1
        while self._coming and self._coming[0][0] <= now_s + _TINY_S:
            _, key = heappop(self._coming)
            for name in self._shop.tasks[key].machines:
                heappush(self._ready.setdefault(name, []), (self._rank[key], key))
        for name, ready in self._ready.items():
            table = self._tables.get(name)
            if table is None or table.machine.free_s > now_s + _TINY_S:
                continue
            self._serve(table, ready, now_s)

    def _serve(self, table: Timetable, ready: list[_Ranked], now_s: float) -> None:
        """Give a machine the first of its ready tasks that can begin."""
        passed: list[_Ranked] = []
        while ready:
            ranked = heappop(ready)
            key = ranked[1]
            if key in self._slots:
                continue
            passed.append(ranked)
            why = self._try(self._shop.tasks[key], table, now_s, ready)
            if not why:
                break
            if now_s <= _TINY_S:
                self._waits.setdefault(key, why)
            if not table.is_free(now_s, _TINY_S):
                break
        for ranked in passed:
            if ranked[1] not in self._slots:
                heappush(ready, ranked)

    def _try(self, task: Task, table: Timetable, now_s: float, ready: Sequence[_Ranked]) -> str:
        """Begin a task, and with it what can be done in one load; or say why not."""
        name = table.machine.name
        if not table.is_free(now_s, task.duration_s):
            self._look_again_at(table.begin_of(now_s, task.duration_s))
            return f"{name} has no room for {task.duration_s:.0f} s"
        if now_s + task.duration_s + self._shop.tails_s[task.key] > self._shop.closes_s:
            return "it cannot be finished before the window closes"
        full = [place for place in task.takes if self._free.get(place, 1) <= 0]
        if full:
            return f"there is no room in {', '.join(full)}"
        others = [key for _, key in sorted(ready)]
        load = self._loading.of(task, table, now_s, others, self._slots, self._ends)
        if load.waits_until_s > now_s:
            self._look_again_at(load.waits_until_s)
            return load.why
        placed = self._chain(task, now_s, table)
        if placed is None:
            return "what must follow it soon could not"
        self._loading.begun(task, table)
        for key in load.companions:
            companion = self._shop.tasks[key]
            if any(self._free.get(place, 1) <= 0 for place in companion.takes):
                continue
            self._chain(companion, now_s, table)
        return ""

    def _chain(self, task: Task, begin_s: float, at: Timetable | None = None) -> Slot | None:
        """Place a task, and after it what must follow soon; None, and nothing, if that fails.

        Args:
            task: Whose predecessors are placed.
            begin_s: It begins then exactly on `at`, or else as soon as it can.
            at: The machine; None chooses one.
        """
        undone: list[_Placed] = []
        slot = self._place(task, begin_s, at, undone)
        if slot is None or not self._follow(task, undone):
            for one, table, kept in reversed(undone):
                self._unplace(one, table, kept)
            return None
        for one, _, kept in undone:
            self._settle(one, kept)
        return slot

    def _follow(self, task: Task, undone: list[_Placed]) -> bool:
        """Reserve what must follow a task soon; tell whether all of it fits."""
        for follower in self._shop.followers.get(task.key, ()):
            if follower.max_wait_s == inf or follower.key in self._slots:
                continue
            if any(key in self._shop.tasks and key not in self._ends for key in follower.after):
                continue
            ready_s = self._known_s(follower)
            if self._place(follower, ready_s, None, undone) is None:
                return False
            if not self._follow(follower, undone):
                return False
        return True

    def _place(
        self,
        task: Task,
        begin_s: float,
        at: Timetable | None,
        undone: list[_Placed],
    ) -> Slot | None:
        if not self._shut.isdisjoint(task.takes):
            return None
        latest_s = begin_s if at is not None else self._known_s(task) + task.max_wait_s
        tables = (
            [at]
            if at is not None
            else [self._tables[n] for n in task.machines if n in self._tables]
        )
        best: tuple[float, Timetable, Slot | None] | None = None
        for table in tables:
            joined = next(table.joinable(task.load, begin_s, latest_s), None)
            at_s = joined.begin_s if joined else table.begin_of(begin_s, task.duration_s)
            if best is None or at_s < best[0]:
                best = (at_s, table, joined)
        if best is None or best[0] > latest_s + _TINY_S:
            return None
        found_s, table, slot = best
        if found_s + task.duration_s > self._shop.closes_s:
            return None
        if slot is not None:
            slot.keys.append(task.key)
        else:
            slot = table.take(found_s, task.duration_s, task.load, [task.key])
        self._slots[task.key] = (table.machine.name, slot)
        self._ends[task.key] = slot.end_s
        undone.append((task, table, slot))
        return slot

    def _unplace(self, task: Task, table: Timetable, slot: Slot) -> None:
        slot.keys.remove(task.key)
        if not slot.keys:
            table.forget(slot)
        del self._slots[task.key], self._ends[task.key]

    def _settle(self, task: Task, slot: Slot) -> None:
        """Note what follows from a task that is placed for good."""
        for place in task.takes:
            if place in self._free:
                self._free[place] -= 1
        for place in task.leaves:
            heappush(self._leaving, (slot.end_s, place))
        if slot.begin_s <= _TINY_S:
            self._waits.pop(task.key, None)
        self._look_again_at(slot.end_s)
        for follower in self._shop.followers.get(task.key, ()):
            self._n_before[follower.key] -= 1
            if not self._n_before[follower.key] and follower.key not in self._slots:
                heappush(self._coming, (self._known_s(follower), follower.key))


def _shut_places(shop: Shop) -> frozenset[str]:
    """Return full places that nobody is expected to leave."""
    takers = {(task.sample, place) for task in shop.tasks.values() for place in task.takes}
    left = {place for _, place in shop.leaving}
    left |= {
        place
        for task in shop.tasks.values()
        for place in task.leaves
        if (task.sample, place) not in takers
    }
    return frozenset(place for place, n in shop.free.items() if n <= 0 and place not in left)


def _by_tail(shop: Shop) -> Mapping[str, tuple[float, ...]]:
    return {key: (-shop.tails_s[key] - task.duration_s,) for key, task in shop.tasks.items()}


def _in_order(shop: Shop) -> Mapping[str, tuple[float, ...]]:
    return dict.fromkeys(shop.tasks, (0.0,))


def _by_load(shop: Shop) -> Mapping[str, tuple[float, ...]]:
    groups = load_groups(shop)
    return {
        key: (groups.get(key, -1.0), -shop.tails_s[key] - task.duration_s)
        for key, task in shop.tasks.items()
    }


RULES: Final[Sequence[tuple[Rank, float]]] = (
    (_by_load, 1.0),
    (_by_load, 0.25),
    (_by_tail, 1.0),
    (_by_tail, 0.25),
    (_by_tail, 0.0),
    (_in_order, 1.0),
    (_in_order, 0.0),
)
"""Priorities with patience, the best first where there is no time to try them all."""
