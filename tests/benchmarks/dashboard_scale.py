"""What a dashboard costs on a great campaign, and what a hundred watchers cost the engine.

Makes a campaign of 10,000 experiments in 10^6 events (three minutes, 1 GB), looks at it from a
fresh process, then lets 100 subscribers follow 20 appends a second with one among them that never
reads.

    python -m tests.benchmarks.dashboard_scale
    python -m tests.benchmarks.dashboard_scale --experiments 1000 --seconds 10
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from typing import Any

from orchestrator.core.events import PauseRequested, campaign_stream
from orchestrator.log.recovered import recovered_state
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.service.following import Follower
from orchestrator.service.live import LiveLab
from orchestrator.service.live_views import Bound, SpecFilter
from orchestrator.settings import Settings
from tests.benchmarks.results import save
from tests.support.great_campaign import BulkLog, GreatCampaign
from tests.support.recorded_campaign import CAMPAIGN_ID

CHEAP = SpecFilter(bounds=(Bound(name="cost_usd_per_mol", at_most=20.0),))


def timed_ms(work: Callable[[], Any]) -> float:
    began_s = time.perf_counter()
    work()
    return (time.perf_counter() - began_s) * 1e3


def percentiles(values: Sequence[float]) -> str:
    cuts = statistics.quantiles(values, n=100)
    return f"{cuts[49]:.1f} / {cuts[98]:.1f} / {max(values):.1f}"


def make(path: Path, n: int) -> int:
    """Write the campaign and its tables; return the number of its events."""
    log = open_sqlite_log(path)
    bulk = BulkLog(log)
    campaign = GreatCampaign(bulk)  # type: ignore[arg-type]  # it only appends
    campaign.open()
    for number in range(1, n + 1):
        campaign.make(number)
    bulk.flush()
    log.rebuild_projections()
    log.close()
    return bulk.n


def one_more(path: Path) -> None:
    """Let one more experiment be made, event by event as an engine writes it."""
    log = open_sqlite_log(path, must_exist=True)
    found = recovered_state(log, CAMPAIGN_ID)
    assert found is not None
    campaign = GreatCampaign(log)
    campaign.time = found.state.last_time
    campaign.make(found.state.n_searched + 1)
    log.close()


def look(path: Path) -> None:
    """Print what the views cost in this fresh process, in milliseconds, as JSON."""
    live = LiveLab.open(Settings(database=str(path), actor="benchmark"))
    summary: list[Any] = []
    first_ms = timed_ms(lambda: summary.append(live.campaign()))
    end_h = summary[0].limits[1].used
    views: dict[str, Callable[[], Any]] = {
        "summary": live.campaign,
        "newest 50 experiments": live.experiments,
        "best 50 by one objective": lambda: live.experiments(order="overpotential_v"),
        "50 that say some words": lambda: live.experiments(text="done E09"),
        "Pareto front": live.front,
        "Pareto front, filtered": lambda: live.front(spec_filter=CHEAP),
        "hypervolume series": live.hypervolume_series,
        "timeline of the last 10 h": lambda: live.jobs_between(from_h=end_h - 10, until_h=end_h),
        "2,000 experiments for plots": live.for_plots,
        "laboratory and alarms": lambda: (live.laboratory(), live.alarms()),
    }
    cold = {name: timed_ms(view) for name, view in views.items()}
    warm = {name: min(timed_ms(view) for _ in range(5)) for name, view in views.items()}
    one_more(path)
    after = {name: timed_ms(view) for name, view in views.items()}
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = {"first": first_ms, "memory_mb": memory_mb}
    print(json.dumps({**facts, "cold": cold, "warm": warm, "after": after}))


def looked(path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.dashboard_scale", "--look", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def views(folder: Path, n: int) -> None:
    """Time the views without and with a snapshot."""
    path = folder / "great.db"
    n_events = make(path, n)
    without = looked(path)
    found = looked(path)
    rows = [["first view after the start", f"{found['first']:.0f}", "", ""]]
    rows += [
        [name, *(f"{found[kind][name]:.1f}" for kind in ("cold", "warm", "after"))]
        for name in found["cold"]
    ]
    text = (
        f"{n} experiments in {n_events} events, {path.stat().st_size / 1e6:.0f} MB; milliseconds. "
        f"Without a snapshot the first view takes {without['first'] / 1e3:.1f} s, and keeps one. "
        f"The process then holds {found['memory_mb']:.0f} MB "
        f"({without['memory_mb']:.0f} MB without a snapshot)."
    )
    heads = ["view", "first time", "again", "after one more experiment"]
    save("dashboard_views", "Views of a great campaign", text, heads, rows)
    for row in [[text], heads, *rows]:
        print(" | ".join(row))


def append_steadily(path: str, per_s: float, duration_s: float, told: Any) -> None:
    """Append at a steady rate; tell when each append began and returned."""
    log = open_sqlite_log(path, must_exist=True)
    times: list[tuple[int, float, float]] = []
    start_s, rest = time.monotonic(), Flag()
    for n in range(int(per_s * duration_s)):
        rest.wait(max(0.0, start_s + n / per_s - time.monotonic()))
        began_s = time.monotonic()
        (record,) = log.append(
            campaign_stream(CAMPAIGN_ID),
            [PauseRequested()],
            time=datetime.now(UTC),
            actor="engine",
            is_simulated=True,
        )
        times.append((record.seq, began_s, time.monotonic()))
    log.close()
    told.put(times)


async def watched(
    follower: Follower | None, appending: Callable[[], Any], n: int, n_lazy: int
) -> tuple[list[tuple[int, float, float]], dict[int, list[float]], int]:
    """Let readers follow while somebody appends; when each got what, and how many were lost."""
    got: dict[int, list[float]] = {}
    wrong = 0

    async def read(reader: Any) -> None:
        nonlocal wrong
        while not reader.is_ended:
            last = reader.seq
            events = await reader.next(timeout_s=1.0)
            now_s = time.monotonic()
            for number, event in enumerate(events, start=1):
                wrong += event.seq != last + number
                got.setdefault(event.seq, []).append(now_s)

    readers = [follower.subscribe() for _ in range(n)] if follower else []
    lazy = [follower.subscribe() for _ in range(n_lazy)] if follower else []
    tasks = [asyncio.ensure_future(read(reader)) for reader in readers]
    times = await asyncio.to_thread(appending)
    await asyncio.sleep(0.5)
    for reader in [*readers, *lazy]:
        reader.close()
    await asyncio.gather(*tasks)
    assert wrong == 0, f"{wrong} records came out of order, twice or not at all"
    return times, got, sum(reader.is_lost for reader in lazy)


def streams(folder: Path, per_s: float, duration_s: float) -> None:
    """Time appends and their way to the readers."""
    rows = []
    cases = [("nobody follows", False, 0, 0), ("the follower alone", True, 0, 0)]
    cases += [("100 readers", True, 100, 0), ("100 and one that never reads", True, 100, 1)]
    for title, is_followed, n, n_lazy in cases:
        path = folder / f"{title}.db"
        GreatCampaign(log := open_sqlite_log(path)).open()
        log.close()
        options = Settings(database=str(path), actor="benchmark")
        follower = Follower.open(options, n_kept=100) if is_followed else None
        if follower is not None:
            follower.start()
        context = multiprocessing.get_context("spawn")
        told = context.Queue()

        def appending(path: Path = path, told: Any = told, context: Any = context) -> Any:
            arguments = (str(path), per_s, duration_s, told)
            process = context.Process(target=append_steadily, args=arguments)
            process.start()
            times = told.get()
            process.join()
            return times

        cpu_s = time.process_time()
        times, got, n_lost = asyncio.run(watched(follower, appending, n, n_lazy))
        cpu_s = time.process_time() - cpu_s
        if follower is not None:
            follower.stop()
        appends = percentiles([(end - begin) * 1e3 for _, begin, end in times])
        waits = [(at - end) * 1e3 for seq, _, end in times for at in got.get(seq, ())]
        missing = n * len(times) - len(waits)
        rows.append(
            [
                title,
                appends,
                percentiles(waits) if waits else "",
                f"{missing} of {n * len(times)}" if n else "",
                f"{n_lost} of {n_lazy}" if n_lazy else "",
                f"{100 * cpu_s / duration_s:.1f} %",
            ]
        )
        print(" | ".join(rows[-1]), flush=True)
    text = (
        f"{per_s:g} appends a second from another process for {duration_s:g} s, each on the disk "
        "on return; milliseconds as p50 / p99 / worst. Reading means from the return of the append "
        "to the hand-over inside the reader's event loop; the log is looked at every 50 ms. "
        "The 1,000 newest events of normal use are 100 here, so that the lazy one is noticed."
    )
    heads = ["case", "append", "reading", "missed", "lost", "processor"]
    save("dashboard_stream", "A hundred watchers", text, heads, rows)


def main(arguments: list[str]) -> int:
    """Measure, print and keep the figures.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="dashboard_scale", description=__doc__)
    parser.add_argument("--folder", type=Path, help="on the disk to measure; else a temporary one")
    parser.add_argument("--experiments", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--only", choices=["views", "stream"])
    parser.add_argument("--look", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.look is not None:
        look(options.look)
        return 0
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        if options.only != "stream":
            views(Path(name), options.experiments)
        if options.only != "views":
            streams(Path(name), 20.0, options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
