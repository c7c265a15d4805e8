"""A shop as constraints on whole seconds, for the CP-SAT solver; OR-tools is imported here alone.

Runs of a machine never overlap. A machine that does several tasks at once has, for each load,
numbered runs that may or may not take place; each task of the load is in one of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, inf
from typing import TYPE_CHECKING, Final

from orchestrator.core.foreseen import Start
from orchestrator.core.shop import Shop, Task
from orchestrator.scheduling.least import Around, Least

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpSolver, IntervalVar, IntVar, LinearExprT

__all__ = ["Breaks", "ShopModel"]

Breaks = Mapping[str, Sequence[tuple[float, float]]]
"""When machines stand still, by name: from when, until when; a run goes on afterwards."""
_NO_BREAKS: Final[Breaks] = {}


@dataclass(slots=True)
class _Run:
    """One run of a machine that does several tasks at once."""

    begin: "IntVar"
    end: "IntVar"
    is_on: "IntVar"
    members: dict[str, "IntVar"] = field(default_factory=dict)
    """Which tasks are in it, by key."""


class ShopModel:
    """The constraints of one shop, with the end of all work as what is to be small.

    Args:
        shop: What there is to do, all of it.
        horizon_s: All of it ends by then; some way of doing that must be known.
        late: Tasks that begin in time no more: nothing is asked of their wait.
        breaks: When machines stand still.
    """

    def __init__(
        self,
        shop: Shop,
        horizon_s: float,
        *,
        late: Sequence[str] = (),
        breaks: Breaks = _NO_BREAKS,
    ) -> None:
        from ortools.sat.python.cp_model import CpModel

        self.model = CpModel()
        self.begins: dict[str, IntVar] = {}
        self._ends: dict[str, IntVar] = {}
        self._shop = shop
        self._tasks = shop.tasks
        self._horizon = ceil(horizon_s)
        self._least = Least(shop)
        self._late = {*late}
        self._breaks = breaks
        self._intervals: dict[str, list[IntervalVar]] = {name: [] for name in shop.machines}
        self._joining: dict[tuple[str, str], list[tuple[Task, IntVar]]] = {}
        self._chosen: dict[str, dict[str, IntVar]] = {}
        self._runs: dict[tuple[str, str], list[_Run]] = {}
        self._say()

    def _say(self) -> None:
        for task in self._tasks.values():
            self._add_task(task)
        for (name, load), joining in self._joining.items():
            self._add_runs(name, load, joining)
        for intervals in self._intervals.values():
            self.model.add_no_overlap(intervals)
        for task in self._tasks.values():
            self._add_order(task)
        self._add_places()
        self._last = self.model.new_int_var(0, self._horizon, "last")
        self.model.add_max_equality(self._last, list(self._ends.values()))
        for name in self._shop.machines:
            self.model.add(self._last >= ceil(self._least.end_s(name)))
            self._bound_from_runs(name)
        self.model.minimize(self._last)

    def hint(self, starts: Sequence[Start]) -> None:
        """Tell the solver a way of doing everything, where its search begins.

        Args:
            starts: With every task that is to be done.
        """
        n_seen: dict[tuple[str, str], int] = {}
        for start in sorted(starts, key=lambda one: one.begin_s):
            for key in start.keys:
                self.model.add_hint(self.begins[key], ceil(start.begin_s))
                self.model.add_hint(self._ends[key], ceil(start.end_s))
                for name, is_chosen in self._chosen[key].items():
                    self.model.add_hint(is_chosen, name == start.machine)
            place = (start.machine, self._tasks[start.keys[0]].load)
            if place in self._runs:
                number = n_seen.get(place, 0)
                n_seen[place] = number + 1
                self._hint_run(place, number, start)
        for place, runs in self._runs.items():
            for run in runs[n_seen.get(place, 0) :]:
                for variable in (run.is_on, *run.members.values()):
                    self.model.add_hint(variable, False)

    def _hint_run(self, place: tuple[str, str], number: int, start: Start) -> None:
        if number >= len(self._runs[place]):
            return
        run = self._runs[place][number]
        self.model.add_hint(run.begin, ceil(start.begin_s))
        self.model.add_hint(run.end, ceil(start.end_s))
        self.model.add_hint(run.is_on, True)
        for key, is_in in run.members.items():
            self.model.add_hint(is_in, key in start.keys)

    def starts(self, solver: "CpSolver") -> list[Start]:
        """Return the runs of a solution.

        Args:
            solver: After it has found one.
        """
        runs: dict[tuple[str, int, str], list[str]] = {}
        for key, begin in self.begins.items():
            chosen = self._chosen[key]
            name = next(name for name, is_on in chosen.items() if solver.boolean_value(is_on))
            shared = self._tasks[key].load if (name, self._tasks[key].load) in self._runs else key
            runs.setdefault((name, solver.value(begin), shared), []).append(key)
        return [
            Start(name, tuple(keys), float(begin), float(solver.value(self._ends[keys[0]])))
            for (name, begin, _), keys in runs.items()
        ]

    def _add_task(self, task: Task) -> None:
        """Say that a task has a machine, and when it can begin there."""
        begin = self.model.new_int_var(0, self._horizon, task.key)
        end = self.model.new_int_var(0, self._horizon, f"end {task.key}")
        self.begins[task.key], self._ends[task.key] = begin, end
        names = [
            name
            for name in task.machines
            if name in self._shop.machines and self._shop.machines[name].free_s < inf
        ]
        chosen = [self.model.new_bool_var(f"{task.key} on {name}") for name in names]
        self.model.add_exactly_one(chosen)
        self._chosen[task.key] = dict(zip(names, chosen, strict=True))
        for name, is_chosen in zip(names, chosen, strict=True):
            machine = self._shop.machines[name]
            self.model.add(begin >= ceil(machine.free_s)).only_enforce_if(is_chosen)
            if task.load and machine.capacity > 1:
                self._joining.setdefault((name, task.load), []).append((task, is_chosen))
            else:
                self._add_interval(name, begin, end, task.duration_s, is_chosen)

    def _add_interval(
        self, name: str, begin: "IntVar", end: "IntVar", duration_s: float, is_on: "IntVar"
    ) -> None:
        """Say that a machine is taken, and stands still during its breaks."""
        from ortools.sat.python.cp_model import LinearExpr

        size = self.model.new_int_var(ceil(duration_s), self._horizon, "")
        stops: list[LinearExprT] = []
        for from_s, until_s in self._breaks.get(name, ()):
            is_cut = self.model.new_bool_var("")
            is_before = self.model.new_bool_var("")
            is_after = self.model.new_bool_var("")
            self.model.add_exactly_one(is_cut, is_before, is_after)
            self.model.add(begin < ceil(from_s)).only_enforce_if(is_cut, is_on)
            self.model.add(end >= ceil(until_s)).only_enforce_if(is_cut, is_on)
            self.model.add(end <= ceil(from_s)).only_enforce_if(is_before, is_on)
            self.model.add(begin >= ceil(until_s)).only_enforce_if(is_after, is_on)
            stops.append(ceil(until_s - from_s) * is_cut)
        self.model.add(size == ceil(duration_s) + LinearExpr.sum(stops))
        interval = self.model.new_optional_interval_var(begin, size, end, is_on, "")
        self._intervals[name].append(interval)

    def _add_runs(self, name: str, load: str, joining: "list[tuple[Task, IntVar]]") -> None:
        """Say which runs of a load there may be, and that each task is in one of them."""
        capacity = self._shop.machines[name].capacity
        duration_s = max(task.duration_s for task, _ in joining)
        runs: list[_Run] = []
        for number in range(self._n_runs(name, len(joining), duration_s)):
            begin = self.model.new_int_var(0, self._horizon, f"{name} {load} {number}")
            end = self.model.new_int_var(0, self._horizon, "")
            run = _Run(begin, end, self.model.new_bool_var(""))
            self._add_interval(name, run.begin, run.end, duration_s, run.is_on)
            if runs:
                self.model.add_implication(run.is_on, runs[-1].is_on)
                self.model.add(run.begin >= runs[-1].end).only_enforce_if(run.is_on)
            runs.append(run)
        for task, is_chosen in joining:
            places = [self.model.new_bool_var("") for _ in runs]
            self.model.add(sum(places) == is_chosen)
            for run, is_in in zip(runs, places, strict=True):
                self.model.add_implication(is_in, run.is_on)
                self.model.add(self.begins[task.key] == run.begin).only_enforce_if(is_in)
                self.model.add(self._ends[task.key] == run.end).only_enforce_if(is_in)
                run.members[task.key] = is_in
        for run in runs:
            self.model.add(sum(run.members.values()) <= capacity)
            self.model.add(run.begin == self._horizon).only_enforce_if(~run.is_on)
        self._runs[name, load] = runs

    def _n_runs(self, name: str, n_tasks: int, duration_s: float) -> int:
        """Return how many runs of a load there can be, if all work is to end by the horizon."""
        spare_s = max(0.0, self._horizon - self._least.work_s(name))
        least = ceil(n_tasks / self._shop.machines[name].capacity)
        return min(n_tasks, least + int(spare_s // max(duration_s, 1.0)))

    def _bound_from_runs(self, name: str) -> None:
        """Say what follows of the fullness of runs: who is in one was prepared one by one before.

        Nothing of this forbids anything; it lets the solver prove more.
        """
        from ortools.sat.python.cp_model import LinearExpr

        begins: list[IntVar] = []
        tails: list[IntVar] = []
        works_s: list[LinearExprT] = []
        for (machine, _), runs in self._runs.items():
            if machine != name:
                continue
            tasks = [self._tasks[key] for key in runs[0].members]
            before, behind = self._least.before(tasks), self._least.behind(tasks)
            tail = [self.model.new_int_var(0, self._horizon, "") for _ in runs]
            for run, its_tail in zip(runs, tail, strict=True):
                for around in before:
                    self._at_least(run.begin, around, run)
                for around in behind:
                    self._at_least(its_tail, around, run)
                self.model.add(its_tail == self._horizon).only_enforce_if(~run.is_on)
                works_s.append(int(min(task.duration_s for task in tasks)) * run.is_on)
            begins += [run.begin for run in runs]
            tails += tail
        if not begins:
            return
        first = self.model.new_int_var(0, self._horizon, "")
        rest = self.model.new_int_var(0, self._horizon, "")
        self.model.add_min_equality(first, begins)
        self.model.add_min_equality(rest, tails)
        stops = self._sure_stops(name, first)
        self.model.add(self._last >= LinearExpr.sum([first, rest, *works_s, *stops]))

    def _at_least(self, time: "IntVar", around: Around, run: _Run) -> None:
        from ortools.sat.python.cp_model import LinearExpr

        works = [int(around.work_s.get(key, 0.0)) * is_in for key, is_in in run.members.items()]
        least = LinearExpr.sum([*works, int(around.fixed_s)])
        self.model.add(time >= least).only_enforce_if(run.is_on)

    def _sure_stops(self, name: str, first: "IntVar") -> "list[LinearExprT]":
        """Return how long a machine stands still in the midst of its work, if it begins before."""
        stops: list[LinearExprT] = []
        for from_s, until_s in self._breaks.get(name, ()):
            if from_s >= self._least.work_s(name):
                continue
            is_in_midst = self.model.new_bool_var("")
            self.model.add(first < int(from_s)).only_enforce_if(is_in_midst)
            self.model.add(first >= int(from_s)).only_enforce_if(~is_in_midst)
            stops.append(int(until_s - from_s) * is_in_midst)
        return stops

    def _add_order(self, task: Task) -> None:
        """Say what a task begins after, and how soon."""
        begin, ends = self.begins[task.key], []
        for key in task.after:
            if key in self._ends:
                self.model.add(begin >= self._ends[key])
                ends.append(self._ends[key])
            elif key in self._shop.running:
                self.model.add(begin >= ceil(self._shop.running[key]))
        if task.max_wait_s == inf or task.key in self._late:
            return
        known_s = [self._shop.running.get(key, self._shop.ended.get(key)) for key in task.after]
        since = max((ceil(at_s) for at_s in known_s if at_s is not None), default=None)
        if not ends and since is None:
            return
        last = self.model.new_int_var(-self._horizon, self._horizon, "")
        floor = [] if since is None else [since]
        self.model.add_max_equality(last, [*ends, *floor])
        self.model.add(begin <= last + int(task.max_wait_s))

    def _add_places(self) -> None:
        """Say that a place never holds more samples than it has room for."""
        for place, n_free in self._shop.free.items():
            changes: list[tuple[IntVar | int, int]] = [(0, n_free)] if n_free else []
            changes += [(ceil(at_s), 1) for at_s, left in self._shop.leaving if left == place]
            for task in self._tasks.values():
                changes += [(self.begins[task.key], -1)] * (place in task.takes)
                changes += [(self._ends[task.key], 1)] * (place in task.leaves)
            times, steps = [time for time, _ in changes], [step for _, step in changes]
            if min(steps, default=0) < 0:
                self.model.add_reservoir_constraint(times, steps, 0, len(changes) + n_free)
