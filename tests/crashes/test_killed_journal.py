"""A station's journal whose process is killed: what it said was safe is there."""

import multiprocessing
import random
from pathlib import Path

import pytest

from orchestrator.log.sqlite_station_journal import SqliteStationJournal
from tests.support.journal_processes import take_orders_until_killed

pytestmark = pytest.mark.crash

N_KILLS = 25
STAGES = ("accepted", "acting", "ended")


@pytest.mark.timeout(180)
def test_what_was_said_to_be_safe_survives_any_kill(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    rng = random.Random(5)
    spawn = multiprocessing.get_context("spawn")
    safe: dict[int, str] = {}
    """By number of the order, the last stage that was said to be kept."""
    for _ in range(N_KILLS):
        ours, theirs = spawn.Pipe(duplex=False)
        process = spawn.Process(target=take_orders_until_killed, args=(path, theirs))
        process.start()
        theirs.close()
        for _ in range(rng.randrange(1, 200)):
            stage, number = ours.recv()
            safe[number] = stage
        process.kill()
        while ours.poll(5.0):
            try:
                stage, number = ours.recv()
            except EOFError:
                break
            safe[number] = stage
        process.join()
        ours.close()

        journal = SqliteStationJournal(path)
        found = {number: journal.entry(f"c/E{number}#1") for number in safe}
        n_lost = sum(found[number] is None for number, stage in safe.items() if stage in STAGES)
        n_behind = sum(
            STAGES.index(entry.stage.value) < STAGES.index(safe[number])
            for number, entry in found.items()
            if entry is not None and safe[number] in STAGES
        )
        assert (n_lost, n_behind) == (0, 0)
        assert journal.epoch("count") >= max(number for number in safe if safe[number] != "ready")
        journal.close()
    assert sum(stage == "ended" for stage in safe.values()) > N_KILLS
