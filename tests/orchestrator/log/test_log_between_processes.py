"""Several real processes at one log."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.events import PauseRequested
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.log_processes import append_and_acknowledge, append_many, follow
from tests.support.recorded_events import append

SPAWN = multiprocessing.get_context("spawn")


def start(target: Callable[..., None], *arguments: Any) -> Any:
    process = SPAWN.Process(target=target, args=arguments)
    process.start()
    return process


@pytest.mark.slow
def test_processes_that_append_at_once_leave_no_gap(tmp_path: Path) -> None:
    path = tmp_path / "athanor.db"
    gate = SPAWN.Barrier(3)
    writers = [start(append_many, path, actor, 50, gate) for actor in ("ada", "bob", "eve")]
    for writer in writers:
        writer.join(60)

    log = open_sqlite_log(path, must_exist=True)
    records = list(log.read())

    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert [record.seq for record in records] == list(range(1, 301))
    assert [record.version for record in records] == list(range(1, 301))
    assert log.verify().first_bad_seq is None
    assert {record.actor for record in records} == {"ada", "bob", "eve"}
    for actor in ("ada", "bob", "eve"):
        said = [record.event for record in records if record.actor == actor]
        assert [event.job_id for event in said[::2]] == [f"{actor}/{n}" for n in range(50)]
        assert [event.job_id for event in said[1::2]] == [f"{actor}/{n}" for n in range(50)]
    log.close()


@pytest.mark.slow
def test_a_second_process_that_follows_sees_everything_once(tmp_path: Path) -> None:
    path = tmp_path / "athanor.db"
    log = open_sqlite_log(path)
    ours, theirs = SPAWN.Pipe()
    follower = start(follow, path, 100, theirs)
    assert ours.recv() == "ready"

    for number in range(50):
        append(log, PauseRequested(), PauseRequested(), stream=f"campaign/{number % 3}")

    assert ours.recv() == list(range(1, 101))
    follower.join(60)
    assert follower.exitcode == 0
    log.close()
    ours.close()
    theirs.close()


@pytest.mark.crash
def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "athanor.db"
    acknowledged: list[str] = []

    for kill in range(20):
        ours, theirs = SPAWN.Pipe(duplex=False)
        writer = start(append_and_acknowledge, path, theirs)
        theirs.close()
        acknowledged.extend(ours.recv() for _ in range(7 + 5 * kill))
        writer.kill()
        writer.join(60)
        acknowledged.extend(rest(ours))

        log = open_sqlite_log(path, must_exist=True)
        assert log.verify().first_bad_seq is None
        hashes = [record.hash for record in log.read()]
        assert set(acknowledged) <= set(hashes)
        assert len(hashes) % 2 == 1, "an append of two is whole or not there"
        before = log.projection("campaign")
        log.rebuild_projections()
        assert log.projection("campaign") == before
        log.close()

    assert len(acknowledged) > 20 * 7


def rest(pipe: Any) -> list[str]:
    """Return what was still in the pipe when its writer was killed."""
    found: list[str] = []
    try:
        while True:
            found.append(pipe.recv())
    except EOFError:
        pipe.close()
        return found
