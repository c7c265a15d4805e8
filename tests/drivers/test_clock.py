"""The sped-up clock; the virtual loop: time jumps, blocking calls hold it, all comes in order."""

import asyncio
import contextlib
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from drivers.clock import SpedUpLoop, SystemClock, VirtualClock, VirtualLoop, deadline
from tests.support.virtual_time import START, in_real_time, in_virtual_time


def test_a_week_of_sleep_passes_at_once() -> None:
    async def main(clock: VirtualClock) -> float:
        await clock.sleep(7 * 86_400)
        return clock.monotonic_s()

    assert in_virtual_time(main) == pytest.approx(7 * 86_400)


def test_the_time_of_day_follows_virtual_time() -> None:
    async def main(clock: VirtualClock) -> timedelta:
        await clock.sleep(90.5)
        return clock.now() - START

    assert in_virtual_time(main) == timedelta(seconds=90.5)


def test_timers_fire_in_the_order_of_their_times() -> None:
    async def main(clock: VirtualClock) -> list[int]:
        fired: list[int] = []

        async def after(duration_s: int) -> None:
            await clock.sleep(duration_s)
            fired.append(duration_s)

        await asyncio.gather(*(after(d) for d in (30, 10, 20)))
        return fired

    assert in_virtual_time(main) == [10, 20, 30]


def test_time_goes_on_after_ten_virtual_years() -> None:
    async def main(clock: VirtualClock) -> float:
        await clock.sleep(3.2e8)
        for _ in range(5):
            await clock.sleep(0.1)
        async with asyncio.timeout(1.0):
            await clock.sleep(0.25)
        return clock.monotonic_s() - 3.2e8

    assert in_virtual_time(main) == pytest.approx(0.75, abs=1e-5)


def test_a_timeout_runs_on_virtual_time() -> None:
    async def main(clock: VirtualClock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.Event().wait()
        return clock.monotonic_s()

    assert in_virtual_time(main) == pytest.approx(3600)


def test_virtual_time_stands_still_while_a_call_blocks() -> None:
    gate = threading.Event()

    async def main(clock: VirtualClock) -> tuple[float, float]:
        async def open_the_gate() -> None:
            gate.set()

        async def sleeper() -> float:
            await clock.sleep(1000)
            return clock.monotonic_s()

        async def caller() -> float:
            await clock.call_blocking(gate.wait, None)
            return clock.monotonic_s()

        async with asyncio.TaskGroup() as group:
            slept, called = group.create_task(sleeper()), group.create_task(caller())
            group.create_task(open_the_gate())
        return slept.result(), called.result()

    slept_s, called_s = in_virtual_time(main)
    assert slept_s == pytest.approx(1000)
    assert called_s == 0.0


def test_results_of_blocking_calls_come_in_the_order_of_the_calls() -> None:
    second_is_done = threading.Event()

    def first() -> str:
        second_is_done.wait(5)
        return "first"

    def second() -> str:
        second_is_done.set()
        return "second"

    async def main(clock: VirtualClock) -> list[str]:
        order: list[str] = []

        async def call(function: object) -> None:
            order.append(await clock.call_blocking(function, None))  # type: ignore[arg-type]

        await asyncio.gather(call(first), call(second))
        return order

    assert in_virtual_time(main) == ["first", "second"]


def test_an_error_in_a_blocking_call_reaches_the_caller() -> None:
    def fail() -> None:
        raise ValueError("no")

    async def main(clock: VirtualClock) -> None:
        await clock.call_blocking(fail, None)

    with pytest.raises(ValueError, match="no"):
        in_virtual_time(main)


def test_a_cancelled_blocking_call_lets_time_go_on_when_it_ends() -> None:
    gate = threading.Event()

    async def main(clock: VirtualClock) -> float:
        call = asyncio.ensure_future(clock.call_blocking(gate.wait, None))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        gate.set()
        await clock.sleep(5)
        return clock.monotonic_s()

    assert in_virtual_time(main) == pytest.approx(5)


def test_a_call_that_was_cancelled_before_it_began_never_runs() -> None:
    gate, ran = threading.Event(), threading.Event()
    thread = ThreadPoolExecutor(1)

    async def main(clock: VirtualClock) -> None:
        first = asyncio.ensure_future(clock.call_blocking(gate.wait, thread))
        second = asyncio.ensure_future(clock.call_blocking(ran.set, thread))
        await asyncio.sleep(0)
        second.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await second
        gate.set()
        await first
        await clock.sleep(1)

    in_virtual_time(main)
    thread.shutdown()

    assert not ran.is_set()


def test_a_signal_wakes_a_loop_that_waits_for_nothing_else() -> None:
    async def main(clock: VirtualClock) -> bool:
        del clock
        woken = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, woken.set)
        timer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        await woken.wait()
        loop.remove_signal_handler(signal.SIGUSR1)
        return True

    assert in_virtual_time(main)


def test_what_comes_from_outside_is_heard_while_time_jumps() -> None:
    async def main(clock: VirtualClock) -> list[bytes]:
        reader, writer = os.pipe()
        heard: list[bytes] = []
        loop = asyncio.get_running_loop()
        loop.add_reader(reader, lambda: heard.append(os.read(reader, 1)))
        os.write(writer, b"x")
        for _ in range(3):
            await clock.sleep(1000)
        loop.remove_reader(reader)
        os.close(reader)
        os.close(writer)
        return heard

    assert in_virtual_time(main) == [b"x"]


def test_waiting_for_the_outside_takes_no_virtual_time() -> None:
    async def main(clock: VirtualClock) -> tuple[float, float]:
        begun_s = time.perf_counter()
        await clock.wait_for_outside(0.02)
        return clock.monotonic_s(), time.perf_counter() - begun_s

    virtual_s, real_s = in_virtual_time(main)
    assert virtual_s == 0.0
    assert real_s > 0.01


def test_a_loop_closed_with_a_call_open_does_not_complain() -> None:
    gate = threading.Event()
    loop = VirtualLoop()

    async def begin_and_give_up() -> None:
        call = asyncio.ensure_future(VirtualClock(START).call_blocking(gate.wait, None))
        await asyncio.sleep(0)
        call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await call

    loop.run_until_complete(begin_and_give_up())
    loop.close()
    gate.set()

    assert loop.is_closed()


def test_the_virtual_clock_refuses_another_loop() -> None:
    async def main() -> None:
        await VirtualClock(START).call_blocking(int, None)

    with pytest.raises(RuntimeError, match="VirtualLoop"):
        in_real_time(main)


def test_the_same_program_takes_the_same_times_twice() -> None:
    async def main(clock: VirtualClock) -> list[float]:
        times: list[float] = []

        async def worker(period_s: float) -> None:
            for _ in range(20):
                await clock.sleep(period_s)
                times.append(await clock.call_blocking(clock_free, None) + clock.monotonic_s())

        def clock_free() -> float:
            return 0.0

        await asyncio.gather(worker(0.7), worker(1.1), worker(0.3))
        return times

    assert in_virtual_time(main) == in_virtual_time(main)


def test_the_system_clock_sleeps_calls_and_tells_utc() -> None:
    async def main() -> tuple[int, bool]:
        clock = SystemClock()
        before_s = clock.monotonic_s()
        await clock.sleep(0.01)
        await clock.wait_for_outside(0.0)
        return await clock.call_blocking(lambda: 7, None), clock.monotonic_s() > before_s

    assert in_real_time(main) == (7, True)
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_a_sped_up_hour_is_short() -> None:
    async def main() -> tuple[float, float, float]:
        clock = SystemClock(10_000.0)
        before_s, before, real_s = clock.monotonic_s(), clock.now(), time.monotonic()
        async with asyncio.timeout(7200.0):
            await clock.sleep(3600.0)
        passed_s = (clock.now() - before).total_seconds()
        return clock.monotonic_s() - before_s, passed_s, time.monotonic() - real_s

    with asyncio.Runner(loop_factory=lambda: SpedUpLoop(10_000.0)) as runner:
        by_scale_s, by_date_s, real_s = runner.run(main())

    assert by_scale_s >= 3599.9
    assert by_date_s >= 3599.9
    assert real_s >= 0.35


def test_a_sped_up_loop_keeps_the_time_of_its_clock() -> None:
    async def main() -> tuple[float, float, float]:
        clock = SystemClock(200.0)
        loop = asyncio.get_running_loop()
        return clock.monotonic_s(), loop.time(), clock.monotonic_s()

    with asyncio.Runner(loop_factory=lambda: SpedUpLoop(200.0)) as runner:
        before_s, loop_s, after_s = runner.run(main())

    assert before_s <= loop_s <= after_s


def test_two_sped_up_clocks_agree() -> None:
    first, second = SystemClock(200.0), SystemClock(200.0)

    times = [first.now(), second.now(), first.now()]

    assert times == sorted(times)
    assert SystemClock(200.0).now().utcoffset() == timedelta(0)


def test_the_outside_gets_its_real_time_on_a_sped_up_clock() -> None:
    async def main() -> float:
        before_s = time.monotonic()
        await SystemClock(1000.0).wait_for_outside(0.02)
        return time.monotonic() - before_s

    with asyncio.Runner(loop_factory=lambda: SpedUpLoop(1000.0)) as runner:
        assert runner.run(main()) >= 0.02


def test_no_deadline_falls_below_half_a_real_second() -> None:
    clock = SystemClock(200.0)

    assert clock.shortest_wait_s == 100.0
    assert clock.real_s(clock.shortest_wait_s) == 0.5
    assert SystemClock().shortest_wait_s == 0.0
    assert VirtualClock(START).shortest_wait_s == 0.0


def test_a_sped_up_clock_refuses_another_loop() -> None:
    async def main() -> None:
        await SystemClock(2.0).sleep(0.01)

    with pytest.raises(RuntimeError, match="SpedUpLoop"):
        in_real_time(main)


@pytest.mark.parametrize("speed", [0.0, 0.5, -1.0, 1e6, float("nan")])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        SystemClock(speed)


def test_a_deadline_is_its_own_but_on_a_sped_up_clock() -> None:
    async def left_s(clock: SystemClock | VirtualClock, duration_s: float) -> float:
        async with deadline(clock, duration_s, n_replies=4) as limit:
            when_s = limit.when()
            assert when_s is not None
            return when_s - clock.monotonic_s()

    with asyncio.Runner(loop_factory=lambda: SpedUpLoop(100.0)) as runner:
        short_s = runner.run(left_s(SystemClock(100.0), 10.0))
        long_s = runner.run(left_s(SystemClock(100.0), 1000.0))

    assert 100.0 < short_s <= 200.0
    assert 900.0 < long_s <= 1000.0
    assert in_virtual_time(lambda clock: left_s(clock, 10.0)) == 10.0
