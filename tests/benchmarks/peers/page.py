"""Write docs/BENCHMARKS.md and its plots from the traces that are kept.

Run from the repository root:
    python -m tests.benchmarks.peers.page
"""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from tests.benchmarks.peers.environments import VERSIONS
from tests.benchmarks.peers.plots import curve_plot
from tests.benchmarks.peers.problems import LISTED, PROBLEMS, REPORTED_ONLY, problem
from tests.benchmarks.peers.racing import BATCH, BUDGET, N_INITIAL
from tests.benchmarks.peers.summary import (
    LONG,
    Results,
    broken_rules,
    experiments_to_reach,
    paired_difference,
    random_at_length,
    seconds_per_ask,
)
from tests.benchmarks.peers.worker_process import PEERS, ROOT
from tests.benchmarks.results import saved_sections

PAGE: Final = ROOT / "docs/BENCHMARKS.md"
PICTURES: Final = ROOT / "docs/benchmarks"
OURS: Final = "athanor"
SEEDS: Final = 3
FEWEST_PAIRS: Final = 9
"""Pairs below which an interval would pretend to know something: three problems, three seeds."""
WHAT: Final = {
    "oer": "OER plate, 6 oxides, at most 4 present, 10 % grid; overpotential and metal cost",
    "dense6": "made up: 6 parts, all present, 1 % grid, one constraint; three objectives",
    "sparse9": "made up: 9 elements, at most 3 present, each at least 5 %; strength and price",
    "monbtaw": "Mo-Nb-Ta-W film, 311 compositions; hardness and density",
    "lnp3": "lipid nanoparticles, 5 parameters, no mixture; three objectives",
    "opv": "organic photovoltaic blends of 4, 1020 compositions; degradation",
    "concrete": "concrete and mortar of 7 constituents, 146 mixes; two strengths and emissions",
    "liquidus": "Al-Si-Zn, 4 % grid; liquidus and cost",
}


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table of Markdown."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def middle(values: Sequence[float], form: str = "{:.2f}") -> str:
    """Return median and quartiles as text."""
    low, median, high = np.quantile(np.array(values), [0.25, 0.5, 0.75])
    return f"{form.format(median)} ({form.format(low)}-{form.format(high)})"


def noise_of_machine() -> str:
    """Time one fixed calculation thirty times and say how much that varied."""
    matrix = np.random.default_rng(0).standard_normal((400, 400))
    seconds = []
    for _ in range(30):
        begun = time.perf_counter()
        for _ in range(5):
            np.linalg.qr(matrix)
        seconds.append(time.perf_counter() - begun)
    spread = max(seconds) / min(seconds)
    return (
        f"one fixed calculation on one thread, thirty times: median "
        f"{1000 * statistics.median(seconds):.0f} ms, longest {spread:.1f} times the shortest, "
        f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
    )


def present(results: Results, name: str) -> list[str]:
    """Return the peers that were run on a problem, in the usual order."""
    return [peer for peer in PEERS if results.seeds(peer, name)]


def summary_section(results: Results) -> list[str]:
    """Return the mean quality at the end, problem by problem, and the paired differences."""
    rows = []
    for name in PROBLEMS:
        means = {
            p: float(results.curves(p, name)[:, BUDGET - 1].mean()) for p in present(results, name)
        }
        top = max(means.values(), default=0.0)
        cells = []
        for peer in PEERS:
            text = f"{means[peer]:.3f}" if peer in means else "-"
            seeds = len(results.seeds(peer, name))
            text += f" ({seeds})" if 0 < seeds < 3 else ""
            cells.append(f"**{text}**" if means.get(peer) == top else text)
        rows.append([name, "report" if name in REPORTED_ONLY else "settings", *cells])
    lines = [
        "## Mean quality after 40 experiments",
        "",
        "Quality is the hypervolume over the thresholds (for one objective: the improvement over",
        "the threshold) as a share of what the whole table, or the known front, gives. True values",
        "are judged, noisy ones are told. In brackets: seeds, where fewer than three.",
        "",
        *table(["problem", "half", *PEERS], rows),
        "Athanor less each peer: mean over pairs of the same problem and seed, with the interval",
        "of 90 % of a paired bootstrap.",
        "",
    ]
    full = complete(results)
    groups = (("all", PROBLEMS), ("reported only", REPORTED_ONLY), (", ".join(full), full))
    rows = []
    for peer in PEERS:
        for what, names in groups:
            found = paired_difference(results, OURS, peer, names)
            if peer != OURS and found is not None:
                enough = found.pairs >= FEWEST_PAIRS
                interval = f"{found.low:+.3f} to {found.high:+.3f}" if enough else "too few pairs"
                rows.append([peer, what, str(found.pairs), f"{found.mean:+.3f}", interval])
    lines += table(["peer", "problems", "pairs", "mean", "interval"], rows)
    return [*lines, *gaps_to_best(results)]


def gaps_to_best(results: Results) -> list[str]:
    """Return, problem by problem, Athanor's mean less that of the best peer."""
    rows = []
    for name in PROBLEMS:
        means = {
            peer: float(results.curves(peer, name)[:, BUDGET - 1].mean())
            for peer in present(results, name)
            if len(results.seeds(peer, name)) >= SEEDS
        }
        named = [peer for peer in VERSIONS if peer in means]
        if OURS in means and named:
            best = max(named, key=lambda peer: means[peer])
            spread = float(np.std(results.curves(OURS, name)[:, BUDGET - 1], ddof=1))
            gap = means[OURS] - means[best]
            rows.append([name, ", ".join(named), best, f"{gap:+.3f}", f"{spread:.3f}"])
    return [
        f"Athanor's mean less that of the best named peer with {SEEDS} seeds; three seeds of ours",
        "differ by the standard deviation in the last column.",
        "",
        *table(["problem", "peers that were run", "best of them", "gap", "our seeds' sd"], rows),
    ]


def complete(results: Results) -> tuple[str, ...]:
    """Return the problems on which every named peer was run with all seeds."""
    return tuple(
        name
        for name in PROBLEMS
        if all(len(results.seeds(peer, name)) >= SEEDS for peer in VERSIONS)
    )


def reach_section(results: Results) -> list[str]:
    """Return experiments to reach random's median at the end of its long runs."""
    rows = []
    for name in PROBLEMS:
        goal = random_at_length(name)
        if goal is None:
            continue
        cells = []
        for peer in PEERS:
            reached = experiments_to_reach(results, peer, name)
            texts = [f"> {BUDGET}" if n is None else str(n) for n in reached]
            cells.append(", ".join(texts) or "-")
        rows.append([name, f"{goal:.3f}", *cells])
    return [
        f"## Experiments to reach what random has after {LONG}",
        "",
        f"Random's median of 30 seeds at {LONG} experiments, and the experiments that each seed of",
        f"a peer needed, initial ones counted; a fifth of {LONG} is {LONG // 5}. Tables below",
        f"{2 * LONG} rows are left out.",
        "",
        *table(["problem", f"random at {LONG}", *PEERS], rows),
    ]


def rules_section(results: Results) -> list[str]:
    """Return seconds and broken rules of each peer."""
    heads = ["peer", "version", "seconds", "off the grid", "presence", "other", "failed asks"]
    rows = []
    for peer in PEERS:
        traces = results.of(peer)
        if not traces:
            continue
        broken, seconds = broken_rules(traces), seconds_per_ask(traces)
        versions = traces[-1]["versions"]
        own = VERSIONS.get(peer, "").split("==")[0].split("[")[0]
        version = versions.get(own, "this one")
        kinds = (broken.grid, broken.presence, broken.other)
        shares = [f"{n / max(broken.rows, 1):.0%}" for n in kinds]
        failed = f"{broken.failed_asks} of {broken.asks}"
        rows.append([peer, version, middle(seconds.tolist(), "{:.1f}"), *shares, failed])
    return [
        "## Seconds an ask, and broken rules",
        "",
        "Seconds of processor time an ask of four takes on one thread, median and quartiles over",
        "all problems, the first ask of each run left out (of the clock where there is no other).",
        "The paired ratio further down is the figure to quote. Rows of asks are judged by",
        "`campaigns.membership`, exactly; 1e-6 is forgiven.",
        "",
        *table(heads, rows),
    ]


def problem_section(results: Results, name: str) -> list[str]:
    """Return one problem's table and picture, and write the picture."""
    peers = present(results, name)
    curves = {peer: results.curves(peer, name) for peer in peers}
    PICTURES.mkdir(parents=True, exist_ok=True)
    picture = PICTURES / f"{name}.svg"
    picture.write_text(curve_plot(name, curves, N_INITIAL, BUDGET), encoding="utf-8")
    rows = []
    for peer in peers:
        traces = results.of(peer, name)
        broken = broken_rules(traces)
        ends = [middle(curves[peer][:, n - 1].tolist()) for n in (20, BUDGET)]
        seconds = middle(seconds_per_ask(traces).tolist(), "{:.1f}")
        bad = broken.rows and f"{(broken.grid + broken.presence + broken.other)}"
        kinds = f"{broken.grid}, {broken.presence}, {broken.other} of {broken.rows}" if bad else "0"
        rows.append([peer, str(len(traces)), *ends, seconds, kinds])
    heads = [
        "peer",
        "seeds",
        "at 20",
        f"at {BUDGET}",
        "seconds an ask",
        "off grid, presence, other",
    ]
    task = problem(name)
    points = len(task.table.points) if task.table is not None else task.feasible.n_points
    size = f"{points} points" if points is not None else "more points than are listed"
    return [
        f"### {name}",
        "",
        f"{WHAT[name][0].upper()}{WHAT[name][1:]}. {size[0].upper()}{size[1:]}.",
        "",
        f"![{name}](benchmarks/{name}.svg)",
        "",
        *table(heads, rows),
    ]


def introduction(results: Results) -> list[str]:
    """Return what was compared, how, and on what."""
    commits = sorted({t["commit"] for t in results.of(OURS)})
    loads = [load for t in results.traces.values() for load in t["load"]]
    return [
        "# Benchmarks",
        "",
        "Made by `make benchmark` from the traces in `tests/benchmarks/peers/traces`; do not edit.",
        "",
        f"All peers get the same problems, seeds, {N_INITIAL} initial experiments, noise and",
        f"budget ({BUDGET} experiments, {BATCH} an ask). On a table, an asked point that is no row",
        "becomes the nearest row not yet measured, for all alike; on a made-up landscape, the",
        "nearest feasible lattice point. An ask that fails is answered by random points, and",
        "counted. What a peer is told and what it has no word for stands at the top of its worker",
        "in `tests/benchmarks/peers/workers`. BayBE gets the rows of every table as its search",
        "space. Athanor gets them, as a list of points, where they are not all of the lattice",
        f"({', '.join(LISTED)}); Ax and BoFire have no word for that. Settings may be picked on",
        "one half of the problems and are reported on both.",
        "",
        f"* Athanor at commit {', '.join(commits) or 'none'}; peers: "
        f"{', '.join(VERSIONS.values())}, torch 2.13.0.",
        f"* Machine: {noise_of_machine()}.",
        f"* Load while the traces were made: {middle(loads, '{:.0f}')}.",
        "",
    ]


def main() -> None:
    results = Results.load()
    sections: list[Callable[[Results], list[str]]] = [
        introduction,
        summary_section,
        reach_section,
        rules_section,
    ]
    lines = [line for section in sections for line in section(results)]
    lines += saved_sections()
    lines += ["## Problem by problem", ""]
    for name in PROBLEMS:
        if present(results, name):
            lines += problem_section(results, name)
    PAGE.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(f"{Path(PAGE).name}: {len(results.traces)} traces")


if __name__ == "__main__":
    main()
