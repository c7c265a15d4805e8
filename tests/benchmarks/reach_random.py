"""Experiments until the default planner has what random has after 300, as a ratio.

Run from the repository root:
    python -m tests.benchmarks.reach_random --seeds 3 --most 160

Problems, initial experiments and noise are those of the race against peers; the figures go to
`results/reach_random.json` and from there to the page of benchmarks.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.peers.problems import PROBLEMS
from tests.benchmarks.peers.racing import N_INITIAL, Run, commit, race
from tests.benchmarks.peers.summary import LONG, random_at_length
from tests.benchmarks.results import save


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problem", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--most", type=int, default=160, help="give up after so many experiments")
    given = parser.parse_args()
    rows = []
    for name in given.problem:
        goal = random_at_length(name)
        if goal is None:
            continue
        needed: list[int] = []
        for seed in range(given.seeds):
            run = Run("athanor", name, seed, Path(sys.executable))
            log = Path(tempfile.gettempdir()) / "peers/logs" / f"reach-{name}-{seed}.log"
            # BATCH experiments a round: the count is exact to one round, never too small
            n = len(race(run, log, budget=given.most, until=goal - 1e-12)["experiments"])
            needed.append(n)
            print(f"{name} {seed}: {n} experiments to {goal:.3f}", flush=True)
        middle = statistics.median(needed)
        texts = [f"> {n}" if n >= given.most else str(n) for n in needed]
        ratio = f"{middle / LONG:.2f}" if middle < given.most else f"> {middle / LONG:.2f}"
        rows.append([name, f"{goal:.3f}", ", ".join(texts), ratio])
    save(
        "reach_random",
        f"Experiments to reach what random has after {LONG}",
        f"Random's median quality of 30 seeds, and the experiments, {N_INITIAL} initial ones and "
        f"whole batches counted, that the default planner at commit {commit()} needed by seed; "
        f"the ratio is that of the median to {LONG} (bar: 0.20). Tables of fewer than {2 * LONG} "
        "rows are left out.",
        ["problem", f"random at {LONG}", "experiments", "ratio"],
        rows,
    )


if __name__ == "__main__":
    main()
