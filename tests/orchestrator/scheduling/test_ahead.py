"""A searched order beats the rule or is not followed, and the proven bound is one."""

import sys
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.sila_compiler import EXTENSION
from orchestrator.core.dispatch import best_forecast
from orchestrator.core.foreseen import Start
from orchestrator.core.shop import Machine, Shop, Task
from orchestrator.scheduling import Budget, ahead, is_available, least_makespan_s, look_ahead
from tests.support.random_shops import check, random_shop

needs_solver = pytest.mark.skipif(not is_available(), reason="OR-tools is not installed")
QUICK = Budget(effort=0.2, longest_s=20.0, n_workers=2)


def two_machine_flow() -> Shop:
    """Return a flow shop that the longest-work-first rule does not do in the least time."""
    times = {"S1": (4, 1), "S2": (1, 9), "S3": (5, 4), "S4": (2, 8), "S5": (6, 2)}
    tasks = {}
    for sample, (first, second) in times.items():
        mix, cast = f"{sample}/mix", f"{sample}/cast"
        tasks[mix] = Task(mix, sample, ("mixer",), 60.0 * first)
        tasks[cast] = Task(cast, sample, ("caster",), 60.0 * second, (mix,))
    return Shop(tasks, {"mixer": Machine("mixer"), "caster": Machine("caster")})


def two_ovens_worth() -> Shop:
    """Return five samples of one programme for an oven of four, and a break in the midst."""
    tasks = {
        f"S{n}/fire": Task(f"S{n}/fire", f"S{n}", ("oven",), 3600.0, load="hot") for n in range(5)
    }
    return Shop(tasks, {"oven": Machine("oven", 4)})


def test_without_a_solver_the_rule_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "find_spec", lambda _: None)
    shop = two_machine_flow()

    found = look_ahead(shop)

    assert found.forecast == best_forecast(shop)
    assert (found.plan, found.why) == ((), "OR-tools is not installed")


def test_beside_a_library_that_would_end_the_process_the_rule_is_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, EXTENSION, ModuleType(EXTENSION))

    found = look_ahead(two_machine_flow())

    assert found.plan == ()
    assert EXTENSION in found.why


def test_nothing_to_do_needs_no_search() -> None:
    found = look_ahead(Shop({}, {}))

    assert found.plan == ()
    assert found.why


@needs_solver
@pytest.mark.slow
def test_the_least_time_of_a_two_machine_flow_is_found() -> None:
    shop = two_machine_flow()

    found = look_ahead(shop, QUICK)

    assert found.forecast.makespan_s == pytest.approx(60.0 * 25), (
        "by Johnson's order: 2, 4, 3, 5, 1"
    )
    assert look_ahead(shop, QUICK) == found


@needs_solver
@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_what_is_found_keeps_every_rule_of_the_bench_and_beats_the_rule(seed: int) -> None:
    shop = random_shop(seed)
    by_rule = best_forecast(shop)

    found = look_ahead(shop, QUICK)

    check(shop, found.forecast)
    if found.is_planned:
        assert found.forecast.score() < by_rule.score()
        assert found.why == ""
    else:
        assert found.forecast == by_rule
        assert found.why


@needs_solver
@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_no_schedule_ends_before_the_proven_bound(seed: int) -> None:
    shop = random_shop(seed)
    by_rule = best_forecast(shop)
    if by_rule.left or not by_rule.starts:
        return

    least_s = least_makespan_s(shop, by_rule.makespan_s, 0.5)

    assert least_s <= look_ahead(shop, QUICK).forecast.makespan_s + 1e-6


@needs_solver
@pytest.mark.slow
def test_a_bound_counts_loads_and_breaks() -> None:
    shop = two_ovens_worth()

    unbroken_s = least_makespan_s(shop, 7200.0, 5.0)
    broken_s = least_makespan_s(shop, 9000.0, 5.0, breaks={"oven": [(1000.0, 2800.0)]})

    assert unbroken_s == 7200.0
    assert broken_s == 9000.0


@needs_solver
@pytest.mark.slow
def test_who_shares_a_run_is_planned() -> None:
    found = look_ahead(two_ovens_worth(), QUICK)

    runs: list[Start] = list(found.forecast.starts)
    assert sorted(len(start.keys) for start in runs) in ([1, 4], [2, 3])


@needs_solver
@pytest.mark.slow
def test_a_place_that_a_running_sample_leaves_is_counted_on() -> None:
    fire = Task("S1/fire", "S1", ("oven",), 60.0, takes=("shelf",))
    oven = Machine("oven", free_s=100.0)
    shop = Shop(
        {fire.key: fire},
        {"oven": oven},
        running={"S0/fire": 100.0},
        free={"shelf": 0},
        leaving=((100.0, "shelf"),),
    )

    found = look_ahead(shop, QUICK)

    assert found.why == "no better order was found within the time budget", "there is one order"
