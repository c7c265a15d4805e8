"""A web process is killed while it tells webhooks: nothing is lost, nothing changes its place."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Event

import pytest

from drivers.clock import SystemClock
from orchestrator.access.webhooks import WebhookBook
from orchestrator.core.events import LAB_STREAM, InstrumentPutBack
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.hook_server import HookServer, hook_server
from tests.support.source_tree import ROOT

pytestmark = [pytest.mark.crash, pytest.mark.slow]

SPEED = 60.0
"""A lease of 30 s lasts half a real one."""
N_KILLS = 8
N_EVENTS = 40


@contextmanager
def mortal(folder: Path) -> Iterator[None]:
    """Run a teller, and kill it at the end."""
    command = [sys.executable, "-m", "tests.support.hook_process", str(folder), str(SPEED)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        try:
            yield
        finally:
            process.kill()


def told(server: HookServer) -> list[int]:
    """Return what came, each record where it came first."""
    return list(dict.fromkeys(seq for taken in server.taken for seq in taken.seqs))


@pytest.mark.timeout(240)
def test_nothing_is_lost_when_the_web_process_is_killed(tmp_path: Path) -> None:
    random, pause = Random(5), Event().wait
    clock = SystemClock(SPEED)
    log = open_sqlite_log(tmp_path / "lab.db")
    book = WebhookBook(tmp_path / "lab.db.access", clock)
    with hook_server() as server:
        book.add_webhook(server.url, topics=[], by="Ada", told_seq=0)
        for _ in range(N_KILLS):
            with mortal(tmp_path):
                for _ in range(random.randrange(3, 12)):
                    reasons = [f"{i}" for i in range(random.randrange(1, N_EVENTS))]
                    events = [InstrumentPutBack(instrument="balance", reason=r) for r in reasons]
                    now = clock.now()
                    log.append(LAB_STREAM, events, time=now, actor="a", is_simulated=False)
                    pause(random.uniform(0.05, 0.3))
                pause(random.uniform(0.0, 0.3))
        last = log.last_seq()
        with mortal(tmp_path):
            for _ in range(2000):
                if told(server)[-1:] == [last]:
                    break
                pause(0.02)

    log.close()
    assert told(server) == list(range(1, last + 1))
    bodies = {(taken.headers["athanor-delivery"], taken.body) for taken in server.taken}
    assert len(bodies) == len({taken.headers["athanor-delivery"] for taken in server.taken})
