"""What must follow soon needs its place, too: loads are as large as places can take in time."""

from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest

from orchestrator.core.dispatch import best_forecast
from orchestrator.core.shop import Machine, Shop, Task


def shop_of(n: int, *, max_wait_s: float, free: int = 1, capacity: int = 4) -> Shop:
    """Return samples that are fired together and then stand in one vessel for 100 s each."""
    tasks: dict[str, Task] = {}
    for number in range(n):
        sample = f"E{number}"
        jobs = (
            Task(f"{sample}/fire", sample, ("furnace",), 1000.0, load="hot"),
            Task(
                f"{sample}/tare",
                sample,
                ("balance",),
                1.0,
                after=(f"{sample}/fire",),
                max_wait_s=max_wait_s,
                takes=("vessel",),
            ),
            Task(
                f"{sample}/pour",
                sample,
                ("pump",),
                99.0,
                after=(f"{sample}/tare",),
                leaves=("vessel",),
            ),
        )
        tasks |= {job.key: job for job in jobs}
    machines = {
        "furnace": Machine("furnace", capacity),
        "balance": Machine("balance"),
        "pump": Machine("pump"),
    }
    return Shop(tasks, machines, free={"vessel": free})


@pytest.mark.parametrize(
    ("max_wait_s", "largest"), [(inf, 4), (310.0, 4), (150.0, 2), (110.0, 2), (50.0, 1)]
)
@pytest.mark.parametrize("n", [4, 12])
def test_a_load_is_as_large_as_the_vessel_can_take_in_time(
    n: int, max_wait_s: float, largest: int
) -> None:
    shop = shop_of(n, max_wait_s=max_wait_s)

    found = best_forecast(shop)

    assert found.late == ()
    assert found.left == ()
    fired = {key: start for start in found.starts for key in start.keys if key.endswith("fire")}
    tared = {key: start for start in found.starts for key in start.keys if key.endswith("tare")}
    for key, start in tared.items():
        waited_s = start.begin_s - fired[key.replace("tare", "fire")].end_s
        assert -1e-6 <= waited_s <= max_wait_s + 1e-6
    assert max(len(start.keys) for start in fired.values()) <= largest
    begins = sorted(start.begin_s for start in tared.values())
    assert all(b - a >= 100.0 - 1e-6 for a, b in pairwise(begins))


def test_nothing_begins_that_must_go_where_somebody_stays_for_ever() -> None:
    shop = shop_of(2, max_wait_s=100.0, free=0)

    assert best_forecast(shop).now == ()
    assert best_forecast(replace(shop, leaving=((950.0, "vessel"),))).now
