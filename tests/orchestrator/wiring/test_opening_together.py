"""Campaigns of one dry-run are opened on one shelf, and go on together or one by one."""

import os
import platform
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from orchestrator.core.events import EngineAttached, campaign_stream
from orchestrator.errors import RequestRefused
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from orchestrator.wiring import RunOptions, prepare_together
from orchestrator.wiring.opening import DRY_RUN_START, open_campaigns
from tests.support.shared_bench import options_for


@pytest.fixture
def options(tmp_path: Path) -> list[RunOptions]:
    return options_for(tmp_path, names=("red", "green"))


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    with closing(open_sqlite_log(tmp_path / "athanor.db")) as log:
        yield log


def _resumed(options: list[RunOptions]) -> list[RunOptions]:
    return [replace(one, resume=True) for one in options]


def test_they_share_the_shelf_of_the_first(log, options):
    campaign_ids = open_campaigns(log, prepare_together(options))

    shelves = [row["shelf"] for row in log.projection("campaign")]
    assert campaign_ids == ["red-1", "green-1"]
    assert shelves == ["dry-run/red-1"] * 2
    assert open_campaigns(log, prepare_together(_resumed(options))) == campaign_ids


def test_none_is_opened_if_one_is_unfinished(log, options):
    open_campaigns(log, prepare_together(options[1:]))

    with pytest.raises(RequestRefused, match="green-1 is unfinished"):
        open_campaigns(log, prepare_together(options))
    assert log.last_seq() == 1


def test_those_of_two_benches_do_not_go_on_together(log, options):
    for one in options:
        open_campaigns(log, prepare_together([one]))

    with pytest.raises(RequestRefused, match="opened by one command"):
        open_campaigns(log, prepare_together(_resumed(options)))
    assert open_campaigns(log, prepare_together(_resumed(options[:1]))) == ["red-1"]


def test_one_does_not_go_on_while_another_process_drives_its_bench(log, options):
    open_campaigns(log, prepare_together(options))
    attached = [EngineAttached(epoch=1)]
    stream = campaign_stream("green-1")
    log.append(stream, attached, time=DRY_RUN_START, actor="engine", is_simulated=True)
    now = SystemClock().now()
    log.beat("engine/green-1", pid=os.getpid(), host=platform.node(), time=now)

    with pytest.raises(RequestRefused, match="green-1 is driven by process"):
        open_campaigns(log, prepare_together(_resumed(options[:1])))
