"""The soak: thousands of jobs with faults on the wire, while memory and files are watched.

``python -m tests.crashes.soak --jobs 10000``: nothing dies, but replies are lost, late and garbled.
Memory and open files of engine, station and watchdog are compared between the first tenth of the
jobs, after a warm-up, and the last tenth.
"""

import argparse
import json
import random
import shutil
import socket
import statistics
import sys
import time
from collections import defaultdict
from contextlib import closing, suppress
from pathlib import Path

import psutil
from typing_extensions import override

from orchestrator.core.events import JobStarted, campaign_stream
from orchestrator.errors import LogError
from orchestrator.log.sql_log import open_sqlite_log
from tests.crashes.crash_lane import LANES, Kill, Lane

WATCHED = ("engine", "station", "watchdog")
FAULTS = ("lost", "late", "garbled")
VICTIMS = ("pump_x1", "pump_x2", "pump_waste", "balance", "person")
SAMPLE_S = 5.0
WARM_UP = 0.05


class SoakLane(Lane):
    """A lane whose engine stays, whatever happens."""

    n_jobs = 0
    """Attempts of jobs that were begun, by the last count."""
    _n_counted = 0

    def count(self) -> int:
        """Return `n_jobs` as the log has it now; while the log is locked, as it was."""
        with suppress(LogError), closing(open_sqlite_log(self.database, must_exist=True)) as log:
            stream = campaign_stream(self.spec.campaign_id)
            for record in log.read(after_seq=self._n_counted, stream=stream):
                self.n_jobs += isinstance(record.event, JobStarted)
                self._n_counted = record.seq
        return self.n_jobs

    @override
    def engine_command(self) -> list[str]:
        return [word for word in super().engine_command() if word != "--leave-when-held"]


def main() -> int:
    """Run and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("soak-test"))
    parser.add_argument("--speed", type=float, default=200.0)
    parser.add_argument("--fault-every-s", type=float, default=10.0, help="real seconds")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    shutil.rmtree(chosen.out, ignore_errors=True)
    folder = chosen.out.resolve() / "lane"
    lane = SoakLane(LANES["keyed"], folder, speed=chosen.speed, seed=chosen.seed)
    try:
        lane.open()
        samples, n_faults = _soak(lane, chosen.jobs, chosen.fault_every_s, chosen.seed)
        verdict = lane.settle()
    finally:
        lane.close()
    found = _compared(samples)
    found |= {"faults": n_faults, "jobs": lane.count(), "attempts_judged": verdict.n_attempts}
    found |= {"lost": verdict.lost, "duplicated": verdict.duplicated}
    found |= {"unreported": verdict.unreported, "stray": verdict.stray}
    print(json.dumps(found, indent=1))
    return 0 if verdict.is_clean else 1


def _soak(
    lane: SoakLane, n_jobs: int, fault_every_s: float, seed: int
) -> tuple[list[dict[str, float]], int]:
    rng = random.Random(seed)
    samples: list[dict[str, float]] = []
    n_faults, fault_s, sample_s = 0, time.monotonic(), 0.0
    done = 0
    while done < n_jobs:
        lane.revive(Kill(0, "", "", landed=True, seconds=0.0))
        now = time.monotonic()
        if now - fault_s >= fault_every_s:
            _cause(lane.tally, rng.choice(VICTIMS), rng.choice(FAULTS))
            n_faults, fault_s = n_faults + 1, now
        if now - sample_s >= SAMPLE_S:
            done, sample_s = lane.count(), now
            samples.append({"jobs": done, **_sizes(lane)})
            print(f"{done} jobs, {n_faults} faults, {samples[-1]}", file=sys.stderr, flush=True)
        time.sleep(0.5)
    return samples, n_faults


def _cause(tally: Path, target: str, kind: str) -> None:
    request = {"do": "fault", "target": target, "kind": kind}
    if kind == "late":
        request["delay_s"] = 30.0
    with closing(socket.socket(socket.AF_UNIX)) as line:
        line.connect(str((tally / "control").resolve()))
        line.sendall(json.dumps(request).encode() + b"\n")
        line.recv(65536)


def _sizes(lane: Lane) -> dict[str, float]:
    sizes: dict[str, float] = {}
    for name in WATCHED:
        for process in lane.processes(name):
            try:
                sizes[f"{name}_mib"] = round(process.memory_info().rss / 2**20, 1)
                sizes[f"{name}_files"] = process.num_fds()
            except psutil.NoSuchProcess:
                continue
    return sizes


def _compared(samples: list[dict[str, float]]) -> dict[str, object]:
    """Return medians of the first and the last tenth of what was measured after the warm-up."""
    last = samples[-1]["jobs"]
    rows = [sample for sample in samples if sample["jobs"] >= WARM_UP * last]
    n = max(1, len(rows) // 10)
    columns: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for part, chosen in enumerate((rows[:n], rows[-n:])):
        for row in chosen:
            for name, value in row.items():
                columns[name][part].append(value)
    found: dict[str, object] = {}
    for name, (first, final) in columns.items():
        if name != "jobs" and first and final:
            before, after = statistics.median(first), statistics.median(final)
            found[name] = {"first": before, "last": after, "growth": round(after / before - 1, 4)}
    return found


if __name__ == "__main__":
    sys.exit(main())
