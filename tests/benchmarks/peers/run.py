"""Run the benchmark against named peers; what was run is kept and not run again.

Run from the repository root:
    python -m tests.benchmarks.peers.run --workers 2
    python -m tests.benchmarks.peers.run --peer athanor --again athanor

Each peer's interpreter is `<environments>/<peer>/bin/python`, see `environments.py`; our own
planners run in the interpreter that runs this. Traces go to `traces/<peer>/<problem>/<seed>.json`.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.benchmarks.peers.environments import DEFAULT_FOLDER, make_environment
from tests.benchmarks.peers.problems import PROBLEMS, problem
from tests.benchmarks.peers.racing import Run, race
from tests.benchmarks.peers.traces import TRACES, is_current, write_trace
from tests.benchmarks.peers.worker_process import OWN, PEERS


def runs_wanted(
    peers: Sequence[str], names: Sequence[str], seeds: int, folder: Path, again: Sequence[str]
) -> list[Run]:
    """Return what has no current trace, by problem, then seed, then peer."""
    wanted: list[Run] = []
    for name in names:
        for seed in range(seeds):
            for peer in peers:
                own = peer in OWN
                python = Path(sys.executable) if own else folder / peer / "bin/python"
                run = Run(peer, name, seed, python)
                if peer in again or not is_current(run):
                    wanted.append(run)
    return wanted


def one(run: Run, logs: Path) -> str:
    """Run, write the trace, and return a line about it."""
    begun = time.perf_counter()
    trace = race(run, logs / f"{run.peer}-{run.problem}-{run.seed}.log")
    write_trace(trace)
    quality = problem(run.problem).quality([each["true"] for each in trace["experiments"]])[-1]
    seconds = sorted(each["seconds"] for each in trace["asks"])
    broken = sum(bool(found) for each in trace["asks"] for found in each["violations"])
    errors = sum(each["error"] is not None for each in trace["asks"])
    return (
        f"{run.problem} {run.seed} {run.peer}: {quality:.3f}, median ask "
        f"{seconds[len(seconds) // 2]:.1f} s, {broken} rows break a rule, {errors} failed asks, "
        f"{time.perf_counter() - begun:.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--problem", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--again", nargs="+", choices=list(PEERS), default=[], help="run anew")
    parser.add_argument("--environments", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--logs", type=Path, default=DEFAULT_FOLDER / "logs")
    given = parser.parse_args()
    wanted = runs_wanted(given.peer, given.problem, given.seeds, given.environments, given.again)
    for peer in sorted({run.peer for run in wanted} - set(OWN)):
        make_environment(peer, given.environments)
    print(f"{len(wanted)} runs, traces in {TRACES}", flush=True)
    with ThreadPoolExecutor(given.workers) as pool:
        futures = {pool.submit(one, run, given.logs): run for run in wanted}
        failed = 0
        for future in as_completed(futures):
            error = future.exception()
            failed += error is not None
            run = futures[future]
            line = (
                future.result()
                if error is None
                else f"{run.problem} {run.seed} {run.peer}: {error!r}"
            )
            print(line, flush=True)
    if failed:
        raise SystemExit(f"{failed} runs failed; run again to go on")


if __name__ == "__main__":
    main()
