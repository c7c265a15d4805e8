"""The watchdog: what it takes for silence, and that it goes home when it is told."""

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.station.locks import FileLock, LockHeld
from orchestrator.station.places import StationFolder
from orchestrator.station.watchdog import (
    BEAT,
    GOODBYE,
    WatchdogOrders,
    _lock_of_dead_station,
    _Watch,
)
from orchestrator.station.watchdog_keeper import WatchdogKeeper
from tests.support.pretend_station import RIG_FILE


@pytest.fixture
def pipes():
    ends = [*os.pipe(), *os.pipe()]
    yield ends
    for end in ends:
        if end >= 0:
            os.close(end)


def _watch(pipes, heartbeat_s: float = 0.04) -> _Watch:
    return _Watch(
        WatchdogOrders(
            folder=Path("/nowhere"),
            database=Path("/nowhere/lab.db"),
            station_pid=7,
            heartbeat_s=heartbeat_s,
            speed=1.0,
            beats=pipes[0],
            answers=pipes[3],
        )
    )


def test_silence_of_nearly_three_beats_is_too_long(pipes):
    os.write(pipes[1], BEAT)
    clock = SystemClock()
    began_s = clock.monotonic_s()

    reason = _watch(pipes).until_something_is_wrong()

    assert "station 7 was silent" in reason
    assert clock.monotonic_s() - began_s >= 2.75 * 0.04
    assert os.read(pipes[2], 10) == BEAT


def test_a_station_that_dies_is_missed_at_once(pipes):
    os.close(pipes[1])
    pipes[1] = -1

    assert _watch(pipes, heartbeat_s=60.0).until_something_is_wrong() == "station 7 died"


def test_a_goodbye_ends_the_watch(pipes):
    os.write(pipes[1], BEAT + GOODBYE)

    assert _watch(pipes).until_something_is_wrong() == ""


def test_beats_keep_a_station_alive_until_it_says_goodbye(pipes):
    watch = _watch(pipes, heartbeat_s=0.05)
    done = threading.Event()

    def beat() -> None:
        for _ in range(10):
            os.write(pipes[1], BEAT)
            done.wait(0.03)
        os.write(pipes[1], GOODBYE)

    thread = threading.Thread(target=beat)
    thread.start()

    assert watch.until_something_is_wrong() == ""
    thread.join()


def test_a_late_watchdog_leaves_the_bench_to_a_station_that_works(tmp_path):
    folder = StationFolder(tmp_path)
    lock = FileLock(folder.lock)
    lock.take()
    assert _lock_of_dead_station(folder) is None
    lock.release()

    assert _lock_of_dead_station(folder) is not None

    with pytest.raises(LockHeld):
        lock.take()


@pytest.mark.slow
def test_a_watchdog_whose_station_died_before_it_was_ready_acts_all_the_same(tmp_path):
    folder = StationFolder(tmp_path)
    folder.rig.write_bytes(RIG_FILE.read_bytes())
    beats, answers = os.pipe(), os.pipe()
    orders = WatchdogOrders(
        folder=tmp_path,
        database=tmp_path / "lab.db",
        station_pid=2**22 + 1,
        heartbeat_s=60.0,
        speed=1.0,
        beats=beats[0],
        answers=answers[1],
    )
    os.close(beats[1])
    os.close(answers[0])

    ended = subprocess.run(
        [sys.executable, "-m", "orchestrator.station.watchdog", orders.model_dump_json()],
        pass_fds=(beats[0], answers[1]),
        check=False,
    )

    os.close(beats[0])
    os.close(answers[1])
    assert ended.returncode == 1
    log = open_sqlite_log(tmp_path / "lab.db", must_exist=True)
    (record,) = log.read(stream="lab")
    log.close()
    assert record.event.kind == "WatchdogActed"
    assert "pump_x1" in record.event.unsafe  # nothing is served at the ends of its lines


@pytest.mark.slow
def test_a_keeper_has_a_watchdog_replaced_and_sends_it_home(tmp_path):
    folder = StationFolder(tmp_path)
    folder.rig.write_bytes(RIG_FILE.read_bytes())
    keeper = WatchdogKeeper(
        folder, tmp_path / "lab.db", heartbeat_s=1.0, speed=1.0, clock=SystemClock()
    )

    async def main() -> None:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(keeper.keep())
            while not keeper.pid:  # noqa: ASYNC110 - the process rings no bell
                await asyncio.sleep(0.02)
            first = keeper.pid
            os.kill(first, 9)
            while keeper.pid in (0, first):  # noqa: ASYNC110 - nor does its successor
                await asyncio.sleep(0.02)
            assert keeper.why_not() == ""
            keeping.cancel()

    asyncio.run(main())
    keeper.say_goodbye()

    assert keeper.pid == 0
    assert not folder.facts.exists()
