"""How soon 96 samples are made on six instruments, beside a peer and a proven bound.

Our dispatch rule, the same with CP-SAT looking ahead, and first come, first served (a furnace load
begins full, or when nobody else can come) are driven moment by moment over the committed instances;
what breaks is known when it breaks. CP-SAT proves how soon all work could end at best, knowing the
breakdowns beforehand. A late task is one that began later than its sample could stand. Decisions
are timed in seconds of the processor.

Run from the repository root:
    python -m tests.benchmarks.scheduling
    python -m tests.benchmarks.scheduling --instances waits --bound-s 30 --effort 2 --json
"""

import argparse
import json
import os
import statistics
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from math import inf
from pathlib import Path

from orchestrator.core.dispatch import best_forecast
from orchestrator.core.foreseen import Start
from orchestrator.core.shop import Shop
from orchestrator.scheduling import Budget, least_makespan_s, look_ahead
from tests.benchmarks.results import save
from tests.support.job_shop import Answer, Instance, Policy, Report, drive, fifo, load_instance

FOLDER = Path(__file__).parent / "instances"
INSTANCES = ("plain", "waits", "breakdowns")
BOTTLENECK = "furnace"
BAR = 1.10
N_OPEN = (10, 100, 1000)
N_FOLLOWED = 30


@dataclass
class Row:
    """One policy on one instance."""

    instance: str
    policy: str
    makespan_h: float
    over_bound: float
    bottleneck_use: float
    n_late: int
    n_late_by_breakdowns: int
    n_decisions: int
    mean_ms: float
    worst_ms: float
    n_searches: int = 0
    search_s: float = 0.0


class ByRule:
    """Our rule; it follows what it foresaw before as long as that is best."""

    def __init__(self) -> None:
        self.plan: tuple[Start, ...] = ()
        self.spent_ms: list[float] = []
        self.searched_s: list[float] = []

    def __call__(self, shop: Shop) -> Answer:
        self.look(shop)
        begin = time.process_time()
        found = best_forecast(shop, self.plan)
        self.spent_ms.append(1000.0 * (time.process_time() - begin))
        self.plan = found.starts
        return found.now, found.look_s, found.promises(shop)

    def look(self, shop: Shop) -> None:
        """Plan ahead, or not."""


class ByRuleAndLooking(ByRule):
    """Our rule with CP-SAT: it looks ahead at the beginning and after each repair."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget
        self._is_whole = False

    def look(self, shop: Shop) -> None:
        was_whole = self._is_whole
        self._is_whole = all(machine.free_s < inf for machine in shop.machines.values())
        if was_whole or not self._is_whole or not shop.tasks:
            return
        begin = time.perf_counter()
        found = look_ahead(shop, self._budget)
        self.searched_s.append(time.perf_counter() - begin)
        self.plan = found.forecast.starts


def say(text: str) -> None:
    """Show how far it has come."""
    print(text, file=sys.stderr, flush=True)


def row_of(instance: Instance, policy: str, report: Report, bound_s: float, ours: ByRule) -> Row:
    return Row(
        instance=instance.name,
        policy=policy,
        makespan_h=report.makespan_s / 3600.0,
        over_bound=report.makespan_s / bound_s,
        bottleneck_use=report.busy_s[BOTTLENECK] / report.makespan_s,
        n_late=report.n_spoilt,
        n_late_by_breakdowns=report.n_by_breakdowns,
        n_decisions=report.n_decisions,
        mean_ms=statistics.fmean(ours.spent_ms or [0.0]),
        worst_ms=max(ours.spent_ms, default=0.0),
        n_searches=len(ours.searched_s),
        search_s=sum(ours.searched_s),
    )


def compare(instance: Instance, budget: Budget, bound_s: float) -> tuple[float, list[Row]]:
    """Return the proven bound of an instance, and what each policy makes of it."""
    rule, ahead = ByRule(), ByRuleAndLooking(budget)
    policies: list[tuple[str, Policy, ByRule]] = [
        ("rule", rule, rule),
        ("rule, looking ahead", ahead, ahead),
        ("first come, first served", fifo, ByRule()),
    ]
    driven: list[tuple[str, Report, ByRule]] = []
    for name, policy, ours in policies:
        say(f"{instance.name}: {name}")
        driven.append((name, drive(instance, policy), ours))
    kept = [report.makespan_s for _, report, _ in driven if not report.n_spoilt]
    known_s = min(kept, default=max(report.makespan_s for _, report, _ in driven))
    breaks: dict[str, list[tuple[float, float]]] = {}
    for machine, from_s, until_s in instance.breakdowns:
        breaks.setdefault(machine, []).append((from_s, until_s))
    say(f"{instance.name}: proving a bound for up to {bound_s:g} s")
    shop = Shop(instance.tasks, instance.machines)
    least_s = least_makespan_s(shop, known_s, bound_s, breaks=breaks)
    return least_s, [row_of(instance, name, report, least_s, ours) for name, report, ours in driven]


def copies(instance: Instance, n_tasks: int) -> Instance:
    """Return an instance of so many tasks: samples of another one, as often as needed."""
    tasks = {}
    for number in range(n_tasks // len(instance.tasks) + 1):
        for task in instance.tasks.values():
            key = f"{number}/{task.key}"
            after = tuple(f"{number}/{one}" for one in task.after)
            tasks[key] = replace(task, key=key, sample=f"{number}/{task.sample}", after=after)
    kept = dict(list(tasks.items())[:n_tasks])
    return replace(instance, tasks=kept, breakdowns=())


class EnoughSeenError(Exception):
    """So many decisions were timed."""


def decision_ms(n_open: int, instance: Instance) -> dict[str, float]:
    """Return how long decisions take with so many open jobs, in milliseconds."""
    ours = ByRule()

    def timed(shop: Shop) -> Answer:
        if len(ours.spent_ms) > N_FOLLOWED:
            raise EnoughSeenError
        return ours(shop)

    few = copies(instance, n_open)
    with suppress(EnoughSeenError):
        drive(few, timed)
    first, *later = ours.spent_ms
    return {
        "n_open": n_open,
        "without_plan_ms": first,
        "with_plan_ms": statistics.median(later),
        "worst_with_plan_ms": max(later),
    }


def table(bounds: dict[str, float], rows: list[Row], speeds: list[dict[str, float]]) -> None:
    """Show everything, and keep it for the page of benchmarks."""
    heads = ["instance", "policy", "hours", "over the bound", "furnace in use", "late"]
    heads += ["of them by breakdowns", "ms a decision, mean / worst", "searches"]
    cells = [
        [
            row.instance,
            row.policy,
            f"{row.makespan_h:.2f}",
            f"{row.over_bound:.3f}",
            f"{row.bottleneck_use:.3f}",
            str(row.n_late),
            str(row.n_late_by_breakdowns),
            f"{row.mean_ms:.1f} / {row.worst_ms:.1f}" if row.mean_ms else "",
            f"{row.n_searches} in {row.search_s:.0f} s" if row.n_searches else "",
        ]
        for row in rows
    ]
    proven = ", ".join(f"{name} {least_s / 3600:.2f} h" for name, least_s in bounds.items())
    speed = "; ".join(
        f"{one['n_open']:.0f} open jobs {one['without_plan_ms']:.1f} ms without a plan, "
        f"{one['with_plan_ms']:.1f} ms with one (worst {one['worst_with_plan_ms']:.1f})"
        for one in speeds
    )
    text = (
        "96 samples, 6 instruments, a furnace of 8 with three programmes. Bounds proven by CP-SAT: "
        f"{proven}. A decision of the rule, in time of one processor: {speed}."
    )
    save("scheduling", "Scheduling over shared instruments", text, heads, cells)
    for line in (heads, *cells):
        print(" | ".join(line))
    print(text)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--instances", nargs="+", choices=INSTANCES, default=list(INSTANCES))
    parser.add_argument("--bound-s", type=float, default=60.0, help="longest time for one proof")
    parser.add_argument("--effort", type=float, default=5.0, help="of one search ahead")
    parser.add_argument("--json", action="store_true", help="for scripts")
    given = parser.parse_args()
    bounds: dict[str, float] = {}
    rows: list[Row] = []
    for name in given.instances:
        instance = load_instance(FOLDER / f"{name}.json")
        bounds[name], found = compare(instance, Budget(given.effort), given.bound_s)
        rows += found
    waits = load_instance(FOLDER / "waits.json")
    speeds = [decision_ms(n_open, waits) for n_open in N_OPEN]
    if given.json:
        answer = {
            "bar": BAR,
            "bounds_s": bounds,
            "rows": [asdict(row) for row in rows],
            "decisions": speeds,
            "load": os.getloadavg()[0],
        }
        print(json.dumps(answer, indent=1))
    else:
        table(bounds, rows, speeds)


if __name__ == "__main__":
    main()
