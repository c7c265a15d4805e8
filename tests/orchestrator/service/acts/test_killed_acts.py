"""Whoever got no answer asks again with the same key: killed anywhere, every act is done once."""

import os
import random
import select
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.support.act_bench import ActBench
from tests.support.act_processes import Death, act_number, do_acts, key_of

N_ACTS = 50
DEATHS = (
    Death("before the log is opened", 0),
    Death("after the append", 0),
    Death("before the append", 2),
    Death("after the append", 2),
    Death("after the append", 3),
    Death("before the append", 4),
    Death("after the append", 5),
    Death("after the append", 6),
    Death("before the append", 7),
    Death("after the append", 15),
    Death("before the append", 23),
    Death("after the append", 42),
    Death("after the append", 49),
)


@dataclass
class Caller:
    """Has acts done by processes that die, and repeats what it got no answer for."""

    folder: Path
    n_acts: int
    n_lives: int = 0
    n_repeated: int = 0
    answered: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["tests.support.act_processes"])

    @property
    def is_done(self) -> bool:
        return len(self.answered) == self.n_acts

    def live(self, death: Death, kill_after: int | None = None, delay_s: float = 0.0) -> None:
        """Let one process go on with the first act that was not answered, until it ends.

        Args:
            death: Where it kills itself.
            kill_after: After so many answers it is killed from outside; None leaves it alone.
            delay_s: How long after the last of them.
        """
        ours, theirs = self._context.Pipe(duplex=False)
        asked = (self.folder, len(self.answered), self.n_acts, death, theirs)
        process = self._context.Process(target=do_acts, args=asked)
        process.start()
        theirs.close()
        self.n_lives += 1
        self._listen(ours, process, kill_after, delay_s)
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL)
        ours.close()

    def _listen(
        self, ours: Connection, process: BaseProcess, kill_after: int | None, delay_s: float
    ) -> None:
        n_answers = 0
        try:
            while True:
                number, was_done_before = ours.recv()
                assert number == len(self.answered)
                self.answered.append(number)
                self.n_repeated += was_done_before
                n_answers += 1
                if n_answers == kill_after:
                    select.select([], [], [], delay_s)
                    assert process.pid is not None
                    with suppress(ProcessLookupError):  # it may have come to its end
                        os.kill(process.pid, signal.SIGKILL)
        except EOFError:
            return


def refuse_lost_or_doubled(folder: Path, n_acts: int) -> None:
    """Check that the log holds each act exactly once, and is whole."""
    bench = ActBench(folder)
    said = Counter(
        str(record.event.model_dump().get("reason", ""))
        for record in bench.records()
        if record.actor == "ada"
    )
    for number in range(n_acts):
        kept = bench.kept(key_of(number))
        assert kept is not None, f"act {number} is lost"
        reason = act_number(number).reason
        expected = {"acknowledge_all": 2 if number == 7 else 0}.get(act_number(number).name, 1)
        assert said[reason] == expected, f"{reason} stands {said[reason]} times in the log"
    log = bench.log()
    assert log.verify().is_whole
    log.close()


@pytest.mark.slow
def test_wherever_it_dies_every_act_is_done_once(tmp_path: Path) -> None:
    ActBench.at(tmp_path)
    caller = Caller(tmp_path, N_ACTS)

    for death in DEATHS:
        caller.live(death)
    caller.live(Death())

    assert caller.is_done
    assert caller.n_lives == len(DEATHS) + 1
    assert caller.n_repeated == sum(one.moment == "after the append" for one in DEATHS)
    refuse_lost_or_doubled(tmp_path, N_ACTS)


@pytest.mark.crash
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(10))
def test_killed_at_any_moment_every_act_is_done_once(tmp_path: Path, seed: int) -> None:
    ActBench.at(tmp_path)
    caller, dice = Caller(tmp_path, N_ACTS), random.Random(seed)

    while not caller.is_done:
        caller.live(Death(), kill_after=dice.randint(1, 4), delay_s=dice.uniform(0.0, 0.02))

    assert caller.n_lives > 1
    refuse_lost_or_doubled(tmp_path, N_ACTS)
