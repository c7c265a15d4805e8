"""Orders of work get the earliest times that keep every wait, or none."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.dispatch import RULES, best_forecast, forecast
from orchestrator.core.foreseen import Start
from orchestrator.core.retiming import retimed, without_waits
from orchestrator.core.shop import Machine, Shop, Task
from tests.support.random_shops import check, random_shop

MIX_AND_CAST = {
    "S1/mix": Task("S1/mix", "S1", ("mixer",), 60.0),
    "S1/cast": Task("S1/cast", "S1", ("caster",), 60.0, ("S1/mix",), max_wait_s=100.0),
}
PLAN = (Start("mixer", ("S1/mix",), 0.0, 60.0), Start("caster", ("S1/cast",), 60.0, 120.0))


@settings(max_examples=150)
@given(seed=st.integers(0, 10**9), rule=st.sampled_from(range(len(RULES))))
def test_no_plan_breaks_a_rule_of_the_bench(seed: int, rule: int) -> None:
    shop = random_shop(seed)
    rank, patience = RULES[rule]
    relaxed = forecast(without_waits(shop), rank, patience=patience)

    found = retimed(shop, relaxed.starts)

    if found is not None:
        check(shop, found)
        assert found.late == ()


@given(seed=st.integers(0, 10**9))
def test_a_schedule_is_never_later_for_being_timed_again(seed: int) -> None:
    shop = random_shop(seed)
    found = best_forecast(shop)

    again = retimed(shop, found.starts)

    assert again is not None
    assert again.makespan_s <= found.makespan_s + 1e-6
    assert {*again.left} == {*found.left}
    assert best_forecast(shop, found.starts) == best_forecast(shop, found.starts)


def test_work_begins_so_late_that_what_must_follow_can() -> None:
    shop = Shop(
        MIX_AND_CAST, {"mixer": Machine("mixer"), "caster": Machine("caster", free_s=1000.0)}
    )

    found = retimed(shop, PLAN)

    assert found is not None
    assert [start.begin_s for start in found.starts] == [840.0, 1000.0]
    assert found.waits == {"S1/mix": "what must follow it soon could not"}
    assert found.look_s == 840.0


def test_nothing_begins_that_needs_a_machine_that_is_gone() -> None:
    shop = Shop(MIX_AND_CAST, {"mixer": Machine("mixer"), "caster": Machine("caster", free_s=inf)})

    found = retimed(shop, PLAN)

    assert found is not None
    assert found.now == ()
    assert found.left == ("S1/mix", "S1/cast")


def test_a_sample_that_waited_too_long_is_late_and_holds_up_nobody() -> None:
    tasks = {
        "S1/cast": replace(MIX_AND_CAST["S1/cast"]),
        "S2/mix": replace(MIX_AND_CAST["S1/mix"], key="S2/mix", sample="S2"),
    }
    machines = {"mixer": Machine("mixer"), "caster": Machine("caster", free_s=300.0)}
    shop = Shop(tasks, machines, ended={"S1/mix": -10.0})
    plan = (PLAN[1], Start("mixer", ("S2/mix",), 60.0, 120.0))

    found = retimed(shop, plan)

    assert found is not None
    assert found.late == ("S1/cast",)
    assert [start.keys for start in found.now] == [("S2/mix",)]


def test_an_order_that_no_times_fit_is_none() -> None:
    tasks = {
        **MIX_AND_CAST,
        "S2/cast": Task("S2/cast", "S2", ("caster",), 500.0, ("S1/mix",), max_wait_s=inf),
    }
    shop = Shop(tasks, {name: Machine(name) for name in ("mixer", "caster")})
    plan = (
        PLAN[0],
        Start("caster", ("S2/cast",), 60.0, 560.0),
        Start("caster", ("S1/cast",), 560.0, 620.0),
    )

    assert retimed(shop, plan) is None


def test_a_plan_is_followed_until_something_comes_that_it_does_not_know() -> None:
    oven = {"oven": Machine("oven")}
    tasks = {f"S{n}/fire": Task(f"S{n}/fire", f"S{n}", ("oven",), 60.0) for n in range(70)}
    plan = [
        Start("oven", (key,), 60.0 * place, 60.0 * place + 60.0)
        for place, key in enumerate(reversed(tasks))
    ]
    new = Task("S99/fire", "S99", ("oven",), 60.0)

    planned = best_forecast(Shop(tasks, oven), plan)
    surprised = best_forecast(Shop({**tasks, new.key: new}, oven), plan)

    assert planned.now[0].keys == ("S69/fire",)
    assert surprised.left == ()
    assert surprised.makespan_s == pytest.approx(71 * 60.0)
