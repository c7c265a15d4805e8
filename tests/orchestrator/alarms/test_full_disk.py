"""A log that the operating system refuses to let grow: told over a real webhook, written later."""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.alarms.channels import Channel
from orchestrator.alarms.desk import AlarmDesk
from orchestrator.alarms.notifying import Notifier
from orchestrator.alarms.signs_of_life import signs_in
from orchestrator.core.patience import Patience
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.alarm_bench import HandClock, channels_of
from tests.support.message_servers import web_hook


@contextmanager
def no_file_grows_beyond(n_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.slow
def test_a_log_that_cannot_grow_is_told_at_the_next_beat_and_written_down_later(tmp_path: Path):
    path, clock = tmp_path / "lab.db", HandClock()
    log = open_sqlite_log(path)
    with web_hook() as hook:
        notifier = Notifier(channels_of(oncall=Channel(url=hook.url())))
        desk = AlarmDesk(
            log,
            clock,
            patience=Patience(free_space_mb=0.001),
            messenger=notifier,
            look_around=signs_in(log, path, clock),
        )
        desk.look()
        with no_file_grows_beyond(path.with_name("lab.db-wal").stat().st_size):
            clock.pass_by(10)
            desk.look()
            while notifier.busy():
                threading.Event().wait(0.005)
            assert log.last_seq() == 0
        for _ in range(3):
            desk.look()

    assert "log_failing" in hook.posted[0][1]["title"]
    kinds = [record.event.kind for record in log.read()]
    log.close()
    assert kinds == ["AlarmRaised", "AlarmNotified", "AlarmReturned"]
