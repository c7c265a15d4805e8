"""Figures of the log on this machine: appending, recovering, and what a job costs beside its acts.

Run it with ``python -m tests.benchmarks.log_figures``; `--large` adds a log of a million events.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from orchestrator.core.events import PauseRequested, campaign_stream
from orchestrator.log.recovered import StateKeeper, recovered_lab, recovered_state
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.dry_runs import DryRun, oer_campaign
from tests.support.great_campaign import BulkLog
from tests.support.recorded_campaign import CAMPAIGN_ID, RecordedCampaign

__all__ = ["main"]


def _timed(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _percentiles(values: Sequence[float]) -> str:
    cuts = statistics.quantiles(values, n=100)
    return f"p50 {cuts[49] * 1e3:.2f} ms, p99 {cuts[98] * 1e3:.2f} ms, max {max(values) * 1e3:.1f}"


def appending(folder: Path, n: int) -> None:
    """Time single appends, on the disk on return, into a log that has some length already."""
    log = open_sqlite_log(folder / "append.db")
    campaign = RecordedCampaign(log)
    campaign.open()
    times: list[float] = []
    for _ in range(n):
        times.append(_timed(lambda: campaign.append(PauseRequested(reason="figure"))))
    log.close()
    print(f"append of one event at FULL, {len(times)} times in {folder}: {_percentiles(times)}")


def probing(folder: Path, n: int) -> None:
    """Time writes of 4 KiB with fsync and nothing else: what the disk itself takes."""
    with (folder / "probe").open("wb", buffering=0) as file:

        def write() -> None:
            file.write(bytes(4096))
            os.fsync(file.fileno())

        times = [_timed(write) for _ in range(n)]
    print(f"4 KiB and fsync alone, {n} times: {_percentiles(times)}")


def recovering(folder: Path, n: int) -> None:
    """Time the way from a closed file to a state from which an engine can decide."""
    path = folder / f"{n}.db"
    log = open_sqlite_log(path)
    bulk = BulkLog(log)
    campaign = RecordedCampaign(bulk)  # type: ignore[arg-type]  # it only appends
    campaign.open()
    while bulk.n < n:
        campaign.finish(campaign.start(), 0.4)
    bulk.flush()
    log.close()

    log = bulk.log = open_sqlite_log(path, must_exist=True)
    cold_s = _timed(lambda: (recovered_state(log, CAMPAIGN_ID), recovered_lab(log)))
    whole = recovered_state(log, CAMPAIGN_ID)
    if whole is None:
        raise ValueError("the campaign is not there")
    record = next(log.read(after_seq=whole.seq - 1, limit=1))
    keeper = StateKeeper(log, campaign_stream(CAMPAIGN_ID), 0)
    keep_s = _timed(lambda: keeper.note(whole.state, record))
    for _ in range(80):
        campaign.finish(campaign.start(), 0.4)
    bulk.flush()
    log.close()

    def recover() -> None:
        log = open_sqlite_log(path, must_exist=True)
        found = recovered_state(log, CAMPAIGN_ID)
        recovered_lab(log)
        if found is None or len(found.state.observations) != len(whole.state.observations) + 80:
            raise ValueError("not the state that the records add up to")
        log.close()

    warm_s = _timed(recover)
    log = open_sqlite_log(path, must_exist=True)
    found = recovered_state(log, CAMPAIGN_ID)
    if found is None:
        raise ValueError("the campaign is not there")
    observations_s = _timed(lambda: list(found.state.observations))
    log.close()
    print(
        f"recovery at {bulk.n} events of one campaign, {path.stat().st_size / 1e6:.0f} MB: "
        f"{warm_s:.3f} s with a snapshot 880 events old, {cold_s:.1f} s without any; "
        f"its {len(found.state.observations)} observations, when the planner asks, "
        f"{observations_s:.2f} s; keeping a whole snapshot {keep_s:.2f} s"
    )


def driving(folder: Path) -> None:
    """Time dry-runs of the shipped campaign on a real log: all own work, virtual waiting."""
    log = open_sqlite_log(folder / "drive.db")
    run = DryRun(log, oer_campaign(max_experiments=10))
    run.open()
    took_s = _timed(run.drive)
    n_jobs = sum(len(experiment.jobs) for experiment in run.state().experiments)
    log.close()
    print(f"own overhead: {n_jobs} jobs in {took_s:.1f} s, {took_s / n_jobs * 1e3:.1f} ms a job")


def main(arguments: list[str]) -> int:
    """Measure and print.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="log_figures", description=__doc__)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; else a temporary one")
    parser.add_argument("--large", action="store_true", help="a million events as well")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        probing(folder, 500)
        appending(folder, 1000)
        driving(folder)
        for n in (100_000, 1_000_000) if options.large else (100_000,):
            recovering(folder, n)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
