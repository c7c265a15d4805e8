"""What a schedule may never do, whatever there is to do; and what it does where that is known."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.dispatch import RULES, best_forecast, forecast
from orchestrator.core.shop import Machine, Shop, Task
from tests.support.random_shops import check, random_shop


@settings(max_examples=150)
@given(seed=st.integers(0, 10**9), rule=st.sampled_from(range(len(RULES))))
def test_no_rule_breaks_a_rule_of_the_bench(seed: int, rule: int) -> None:
    shop = random_shop(seed)
    rank, patience = RULES[rule]

    found = forecast(shop, rank, patience=patience)

    check(shop, found)
    assert found.late == (), "nothing has begun, so nothing is promised that cannot be kept"


@given(seed=st.integers(0, 10**9))
def test_the_best_for_little_work_is_no_worse_than_any_rule_and_always_the_same(seed: int) -> None:
    shop = random_shop(seed)

    best = best_forecast(shop)

    assert best == best_forecast(shop)
    if len(shop.tasks) <= 24:
        assert all(best.score() <= forecast(shop, r, patience=p).score() for r, p in RULES)


@given(seed=st.integers(0, 10**9))
def test_without_waits_and_windows_everything_is_done(seed: int) -> None:
    shop = replace(random_shop(seed, has_waits=False), closes_s=inf)

    assert best_forecast(shop).left == ()


@given(seed=st.integers(0, 10**9))
def test_no_machine_idles_while_it_could_do_something(seed: int) -> None:
    shop = random_shop(seed, has_waits=False)
    tasks = {key: replace(task, load="", takes=()) for key, task in shop.tasks.items()}
    machines = {name: replace(machine, capacity=1) for name, machine in shop.machines.items()}
    shop = replace(shop, tasks=tasks, machines=machines, free={}, closes_s=inf)

    found = best_forecast(shop)

    ends = {key: start.end_s for start in found.starts for key in start.keys}
    for start in found.starts:
        task = tasks[start.keys[0]]
        ready_s = max((ends[key] for key in task.after), default=0.0)
        for name in task.machines:
            runs_s = [(s.begin_s, s.end_s) for s in found.starts if s.machine == name]
            free_s = max(ready_s, machines[name].free_s)
            for begin_s, end_s in sorted(runs_s):
                free_s = max(free_s, end_s) if begin_s <= free_s + 1e-6 else free_s
            assert start.begin_s <= free_s + 1e-6, f"{start} could begin at {free_s}"


def test_a_load_waits_for_a_sample_that_is_about_to_come() -> None:
    tasks = {
        "S1/fire": Task("S1/fire", "S1", ("oven",), 3600.0, load="hot"),
        "S2/mix": Task("S2/mix", "S2", ("mixer",), 60.0),
        "S2/fire": Task("S2/fire", "S2", ("oven",), 3600.0, ("S2/mix",), load="hot"),
    }
    shop = Shop(tasks, {"oven": Machine("oven", 8), "mixer": Machine("mixer")})

    found = best_forecast(shop)

    assert found.now == (found.starts[0],)
    assert found.now[0].keys == ("S2/mix",)
    assert "waits for up to 1 more" in found.waits["S1/fire"]
    assert found.makespan_s == pytest.approx(3660.0)


def test_nothing_is_mixed_that_could_not_be_poured_in_time() -> None:
    tasks = {
        "S1/mix": Task("S1/mix", "S1", ("mixer",), 60.0),
        "S1/cast": Task("S1/cast", "S1", ("caster",), 60.0, ("S1/mix",), max_wait_s=100.0),
    }
    shop = Shop(tasks, {"mixer": Machine("mixer"), "caster": Machine("caster", free_s=1000.0)})

    found = best_forecast(shop)

    assert found.now == ()
    assert found.waits["S1/mix"] == "what must follow it soon could not"
    mixed = found.starts[0]
    assert mixed.end_s + 100.0 >= 1000.0, "it is mixed so that it can be cast at once"
    assert found.makespan_s <= 1000.0 + 60.0 + 100.0


def test_what_is_promised_is_kept_when_it_is_foreseen_anew() -> None:
    for seed in range(30):
        shop = random_shop(seed)
        found = best_forecast(shop)
        promised = found.promises(shop)
        begun = {key: start for start in found.now for key in start.keys}
        if not begun:
            continue
        step_s = 30.0
        later = Shop(
            {key: task for key, task in shop.tasks.items() if key not in begun},
            {
                name: replace(
                    machine,
                    free_s=max(
                        [max(0.0, machine.free_s - step_s)]
                        + [s.end_s - step_s for s in begun.values() if s.machine == name]
                    ),
                )
                for name, machine in shop.machines.items()
            },
            running={key: start.end_s - step_s for key, start in begun.items()},
            free={
                place: n - sum(place in shop.tasks[key].takes for key in begun)
                for place, n in shop.free.items()
            },
            closes_s=shop.closes_s - step_s,
            promises={key: (name, at_s - step_s) for key, (name, at_s) in promised.items()},
        )

        again = best_forecast(later)

        check(later, again)
        assert again.late == (), f"seed {seed}"
        places = {key: (s.machine, s.begin_s) for s in again.starts for key in s.keys}
        for key, (name, at_s) in promised.items():
            assert places[key] == (name, pytest.approx(at_s - step_s)), f"seed {seed}"


def test_it_says_why_what_is_ready_does_not_begin() -> None:
    tasks = {
        "S1/weigh": Task("S1/weigh", "S1", ("balance",), 60.0),
        "S2/fire": Task("S2/fire", "S2", ("oven",), 7200.0, load="hot"),
        "S3/put": Task("S3/put", "S3", ("arm",), 60.0, takes=("rack",)),
    }
    machines = {
        "balance": Machine("balance", free_s=90.0),
        "oven": Machine("oven", 2),
        "arm": Machine("arm"),
    }
    shop = Shop(tasks, machines, free={"rack": 0}, closes_s=3600.0)

    found = best_forecast(shop)

    assert found.waits["S2/fire"] == "it cannot be finished before the window closes"
    assert found.waits["S3/put"] == "there is no room in rack"
    assert found.look_s == 90.0
