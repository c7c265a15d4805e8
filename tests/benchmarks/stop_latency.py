"""How long a stop takes from a process to the station's way to safety, and until all is safe.

Serves a bench, starts a station on it, and aborts from this process, again and again. With
``--full`` the database and the station's journal lie on a file system that is filled up first
(Linux, as root: it mounts a small one).

    python -m tests.benchmarks.stop_latency --n 200
    python -m tests.benchmarks.stop_latency --n 200 --full
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from drivers.clock import SystemClock
from orchestrator.execution.rig import load_rig
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.station.control import control
from orchestrator.station.messages import AskStatus, EndCampaign, Safe
from orchestrator.station.places import station_folder
from orchestrator.station.starting import ensure_station, send_away

RIG = Path("campaigns/library/oer/oer_rig.toml")


@contextlib.contextmanager
def served(folder: Path, speed: float) -> Iterator[Path]:
    command = [sys.executable, "-m", "orchestrator", "simulate", str(RIG), "--json"]
    process = subprocess.Popen(
        [*command, "--tally", str(folder), "--speed", f"{speed:g}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Path(json.loads(process.stdout.readline())["rig"])
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "athanor-test", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    left = os.statvfs(folder).f_bavail
    print(f"room left on the disk of log and journal: {left} blocks")


def measure(rig_file: Path, database: Path, n: int, *, speed: float, full: bool) -> None:
    clock = SystemClock()
    folder = station_folder(database, load_rig(rig_file).header.name)
    open_sqlite_log(database).close()
    station = ensure_station(rig_file, database, folder, speed=speed)
    awake_ms, safe_ms = [], []
    try:
        if full:
            fill(database.parent)
        for _ in range(n):
            request = EndCampaign(campaign_id="oer-plate-1", how="abort", reason="measured")
            asked_s = clock.monotonic_s()
            answer = control(folder, database, request, name="measurer")
            safe_ms.append(1000 * (clock.monotonic_s() - asked_s))
            assert isinstance(answer, Safe), answer
            assert not any(answer.unsafe.values()), answer
            awake_ms.append(1000 * (answer.began_s - asked_s))
        status = control(folder, database, AskStatus(), name="measurer")
        print(f"facts that wait for the database: {status.status.n_facts_waiting}")
    finally:
        if full:
            (database.parent / "filler").unlink()
        send_away(folder, database, name="measurer", reason="measured")
        if station is not None:
            station.wait()
    for name, found in (("station awake", awake_ms), ("all safe", safe_ms)):
        ordered = sorted(found)
        p50, p99 = ordered[len(ordered) // 2], ordered[max(0, round(0.99 * len(ordered)) - 1)]
        print(f"{name}: n {n}, p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {ordered[-1]:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--full", action="store_true", help="the disk of the log is full")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        rig_file = stack.enter_context(served(Path(name) / "lab", asked.speed))
        disk = Path(name) / "disk"
        if asked.full:
            stack.enter_context(small_disk(disk))
        else:
            disk.mkdir()
        measure(rig_file, disk / "lab.db", asked.n, speed=asked.speed, full=asked.full)


if __name__ == "__main__":
    main()
