"""A whole laboratory of real processes: simulators, supervisor, engine, station, watchdog."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from drivers.clock import SystemClock
from orchestrator.execution.rig import load_rig
from orchestrator.log.event_log import Record
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.station.places import StationFolder, station_folder
from tests.support.source_tree import ROOT

LIBRARY = ROOT / "campaigns/library/oer"


@dataclass
class RealLab:
    """Serves the bench of the OER campaign and runs it, on a fast clock.

    Args:
        folder: Where everything is kept.
        speed: Of everything.
        n_experiments: After which the campaign is finished.
        heartbeat_s: Of the rig, in real seconds.
    """

    folder: Path
    speed: float = 100.0
    n_experiments: int = 1
    heartbeat_s: float = 0.5
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def __enter__(self) -> Self:
        text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
        text = text.replace("max_experiments = 100", f"max_experiments = {self.n_experiments}")
        self.campaign.write_text(text.replace('name = "botorch"', 'name = "sobol"'), "utf-8")
        rig = (LIBRARY / "oer_rig.toml").read_text(encoding="utf-8")
        safety = f"[safety]\nheartbeat_s = {self.heartbeat_s}\n\n[simulation]"
        bench = self.folder / "bench.toml"
        bench.write_text(rig.replace("[simulation]", safety, 1), encoding="utf-8")
        simulator = self.athanor(
            "simulate", bench, "--json", "--tally", self.tally, "--speed", self.speed
        )
        assert simulator.stdout is not None
        ready = json.loads(simulator.stdout.readline())
        self.rig.write_text(Path(ready["rig"]).read_text(encoding="utf-8"), encoding="utf-8")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill what is left; nothing is left after a test that passed."""
        for process in reversed(self.started):
            process.kill()
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        for process in reversed(self.started):
            process.communicate()  # whoever else could hold its output open is gone

    @property
    def campaign(self) -> Path:
        return self.folder / "campaign.toml"

    @property
    def rig(self) -> Path:
        return self.folder / "rig.toml"

    @property
    def tally(self) -> Path:
        return self.folder / "tally"

    @property
    def database(self) -> Path:
        return self.folder / "lab.db"

    @property
    def station(self) -> StationFolder:
        return station_folder(self.database, load_rig(self.rig).header.name)

    def athanor(self, *words: object) -> "subprocess.Popen[str]":
        """Start a command of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *(str(word) for word in words)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def run(self, *words: object) -> "subprocess.Popen[str]":
        """Start a supervised campaign."""
        return self.athanor(
            "run", self.campaign, "--rig", self.rig, "--database", self.database, "--plain",
            "--speed", self.speed, *words,
        )  # fmt: skip

    def engine_of(self, supervisor: "subprocess.Popen[str]") -> int:
        """Return the engine's process once there is one."""
        found: list[int] = []

        def is_there() -> bool:
            children = psutil.Process(supervisor.pid).children()
            found[:] = [c.pid for c in children if "--no-supervise" in _words(c)]
            return bool(found)

        self.wait_until(is_there)
        return found[0]

    def holder(self, lock: Path) -> int:
        """Return the process that says in a lock's file that it holds it, 0 for none."""
        try:
            return int(json.loads(lock.read_text(encoding="utf-8"))["pid"])
        except (OSError, ValueError):
            return 0

    def pids(self) -> list[int]:
        """Return every process that still works for this laboratory, simulators left out."""
        mine = str(self.folder)
        return [
            process.pid
            for process in psutil.process_iter()
            if any(mine in word for word in _words(process)) and "simulate" not in _words(process)
        ]

    def records(self, stream: str | None = None) -> list[Record]:
        """Return what the log says."""
        if not self.database.exists():
            return []
        log = open_sqlite_log(self.database, must_exist=True)
        found = list(log.read(stream=stream))
        log.close()
        return found

    def n_acts(self) -> int:
        """Return how many acts the pretend devices have tallied."""
        return sum(len(file.read_bytes().splitlines()) for file in self.tally.glob("*.jsonl"))

    def wait_until(self, is_so: Callable[[], bool], timeout_s: float = 60.0) -> float:
        """Look again and again; return when it was first seen, on the monotonic clock."""
        clock = SystemClock()
        until_s = clock.monotonic_s() + timeout_s
        while not is_so():
            assert clock.monotonic_s() < until_s, "it did not come about"
            select.select([], [], [], 0.01)
        return clock.monotonic_s()


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
