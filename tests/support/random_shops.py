"""Small shops of every kind, and what no schedule of theirs may do."""

import random
from collections import defaultdict
from itertools import pairwise
from math import inf

from orchestrator.core.foreseen import Forecast
from orchestrator.core.shop import Machine, Shop, Task

__all__ = ["check", "random_shop"]

TINY_S = 1e-6


def random_shop(seed: int, *, has_waits: bool = True) -> Shop:
    """Return a shop with shared loads, maximum waits, places, equal machines and a window."""
    dice = random.Random(seed)
    machines = {
        "a": Machine("a", free_s=dice.choice([0.0, 0.0, 300.0])),
        "b": Machine("b"),
        "b2": Machine("b2", free_s=dice.choice([0.0, 500.0, inf])),
        "oven": Machine("oven", capacity=dice.choice([2, 3, 8])),
    }
    tasks: dict[str, Task] = {}
    programmes = {"hot": 3600.0, "cold": 1800.0}
    for number in range(dice.randint(1, 12)):
        sample, before = f"S{number}", ()
        programme = dice.choice(list(programmes))
        steps = [
            (("a",), 60.0 * dice.randint(1, 10), "", inf, ("rack",), ()),
            (("b", "b2"), 60.0 * dice.randint(1, 10), "", 900.0, (), ()),
            (("oven",), programmes[programme], programme, 7200.0, (), ()),
            (("a",), 60.0 * dice.randint(1, 5), "", inf, (), ("rack",)),
        ]
        for index, (names, duration_s, load, wait_s, takes, leaves) in enumerate(steps):
            key = f"{sample}/{index}"
            wait = wait_s if has_waits and dice.random() < 0.7 else inf
            tasks[key] = Task(key, sample, names, duration_s, before, load, wait, takes, leaves)
            before = (key,)
    closes_s = dice.choice([inf, inf, 6 * 3600.0])
    return Shop(tasks, machines, free={"rack": dice.randint(2, 6)}, closes_s=closes_s)


def check(shop: Shop, found: Forecast) -> None:
    """Hold a schedule to everything that it may not do."""
    begins = {key: start for start in found.starts for key in start.keys}
    assert len(begins) == sum(len(start.keys) for start in found.starts), "a task is done twice"
    assert begins.keys() | {*found.left} == shop.tasks.keys()
    by_machine = defaultdict(list)
    for start in found.starts:
        machine = shop.machines[start.machine]
        by_machine[start.machine].append(start)
        assert 1 <= len(start.keys) <= machine.capacity
        assert start.begin_s >= machine.free_s - TINY_S
        assert start.end_s <= shop.closes_s + TINY_S
        assert len(start.keys) == 1 or len({shop.tasks[key].load for key in start.keys}) == 1
        for key in start.keys:
            task = shop.tasks[key]
            assert start.machine in task.machines
            assert start.end_s - start.begin_s >= task.duration_s - TINY_S
            ends = [begins[one].end_s for one in task.after if one in shop.tasks]
            ends += [
                {**shop.ended, **shop.running}[one] for one in task.after if one not in shop.tasks
            ]
            if ends:
                assert start.begin_s >= max(ends) - TINY_S, f"{key} is too early"
                is_late = start.begin_s > max(ends) + task.max_wait_s + TINY_S
                assert not is_late or key in found.late, f"{key} is too late"
    for starts in by_machine.values():
        starts.sort(key=lambda start: start.begin_s)
        for one, next_one in pairwise(starts):
            assert one.end_s <= next_one.begin_s + TINY_S, "two runs at once"
    _check_places(shop, begins)


def _check_places(shop: Shop, begins: dict) -> None:
    for place, n_free in shop.free.items():
        moments = []
        for key, start in begins.items():
            moments += [(start.begin_s, 1, -1)] if place in shop.tasks[key].takes else []
            moments += [(start.end_s, 0, 1)] if place in shop.tasks[key].leaves else []
        left = n_free
        for _, _, change in sorted(moments):
            left += change
            assert left >= 0, f"{place} holds too many"
