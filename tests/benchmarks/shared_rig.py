"""Three campaigns on one rig, one of them held in the middle: who has the instruments.

The shipped OER bench, pretended, for three virtual days; planners are Sobol, so that the bench and
not the planners is what is waited for. Instrument-hours come from the log. In the first run all
have one priority, shares of 1, 2 and 3 and two samples in flight each. In the second they have
priorities of 0, 2 and 1 and one sample in flight, so that the first cannot take everything: it goes
on as if it were alone, the next gets what it leaves, the last what is left then; nothing is asked.
Green is held for twelve hours in the middle, between two samples: one that stands in the only
vessel would keep the others out, held or not. The busiest resource is the instrument or place that
is taken longest.

Run from the repository root:
    python -m tests.benchmarks.shared_rig
    python -m tests.benchmarks.shared_rig --hours 24 --json
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from orchestrator.core.campaign import CampaignState, fold
from orchestrator.core.events import Event, HoldRequested, ResumeRequested, campaign_stream
from orchestrator.log.event_log import Record
from orchestrator.log.recovered import recovered_state
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.wiring import Progress, RunOptions, onlooker
from tests.benchmarks.results import save
from tests.support.shared_bench import append, double_bookings, recorded, run_all

LIBRARY = Path("campaigns/library/oer")
NAMES = ("red", "green", "blue")
HELD_H = 12.0


@dataclass
class Phase:
    """What happened between two times."""

    name: str
    hours: float
    parts: dict[str, float]
    """By campaign, its part of the instrument-hours."""
    asked: dict[str, float]
    busiest: str
    busiest_use: float
    """Part of the time for which the busiest resource was taken."""
    uses: dict[str, float] = field(default_factory=dict)


@dataclass
class Run:
    """One run."""

    name: str
    n_experiments: dict[str, int]
    n_double_bookings: int
    phases: list[Phase]


def campaign_file(folder: Path, name: str, header: str, hours: float, in_flight: int) -> Path:
    """Write the shipped campaign so that it goes on for some hours."""
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = text.replace("max_experiments = 100", f"max_hours = {hours:g}")
    text = text.replace('name = "botorch"', 'name = "sobol"')
    text = text.replace("in_flight = 2", f"in_flight = {in_flight}")
    text = text.replace('name = "oer-plate"', f'name = "{name}"\n{header}')
    file = folder / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return file


def rig_file(folder: Path) -> Path:
    """Write the shipped rig with bottles that last."""
    text = (LIBRARY / "oer_rig.toml").read_text(encoding="utf-8")
    file = folder / "rig.toml"
    file.write_text(text.replace("volume_ml = 500.0", "volume_ml = 50000.0"), encoding="utf-8")
    return file


def measure(name: str, headers: Sequence[str], hours: float, in_flight: int) -> Run:
    """Run three campaigns and count who had what."""
    onlooker.PROGRESS_EVERY_S = 0.0  # type: ignore[misc] - what is asked is asked at its virtual time
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rig = rig_file(folder)
        options = [
            RunOptions(
                campaign_file(folder, one, header, hours, in_flight),
                rig,
                folder / "athanor.db",
                is_dry_run=True,
                actor="tester",
            )
            for one, header in zip(NAMES, headers, strict=True)
        ]
        asked: list[tuple[float, Event]] = [
            ((hours - HELD_H) / 2.0, HoldRequested(reason="the review")),
            ((hours + HELD_H) / 2.0, ResumeRequested(reason="back from the review")),
        ]
        run_all(options, on_progress=lambda progress, _: _ask(options, progress, asked))
        records = recorded(options)
    return Run(
        name,
        {one.name: one.n_started for one in _states(records)},
        len(double_bookings(records)),
        list(_phases(records, headers, hours)),
    )


def _ask(options: Sequence[RunOptions], shown: Progress, asked: list[tuple[float, Event]]) -> None:
    """Ask of green what is due, whoever is shown."""
    opened = shown.view.opened_time
    is_due = bool(asked) and shown.now >= opened + timedelta(hours=asked[0][0])
    if is_due and not _stands_anywhere(options):
        view = shown.view.model_copy(update={"campaign_id": "green-1"})
        _, event = asked.pop(0)
        append(options, Progress(view, shown.instruments, shown.now), event)


def _stands_anywhere(options: Sequence[RunOptions]) -> bool:
    """Tell whether a sample of green's stands at a place: held, it would keep everybody out."""
    with closing(open_sqlite_log(options[0].database)) as log:
        found = recovered_state(log, "green-1")
    experiments = () if found is None else found.state.open_experiments.values()
    return any(one.places_held() for one in experiments)


def _states(records: Sequence[Record]) -> list[CampaignState]:
    streams = [campaign_stream(f"{name}-1") for name in NAMES]
    folded = (fold((r.event, r.time) for r in records if r.stream == s) for s in streams)
    return [state for state in folded if state is not None]


def _phases(records: Sequence[Record], headers: Sequence[str], hours: float) -> Iterator[Phase]:
    states = _states(records)
    opened = min(state.opened_time for state in states)
    times = [0.0, (hours - HELD_H) / 2.0, (hours + HELD_H) / 2.0, hours]
    spans = zip(("before", "green held", "after"), pairwise(times), strict=True)
    for name, (begin_h, end_h) in spans:
        begin, end = opened + timedelta(hours=begin_h), opened + timedelta(hours=end_h)
        used, taken = _used(states, begin, end)
        whole = sum(used.values())
        seconds = (end - begin).total_seconds()
        order = sorted(taken, key=lambda key: -taken[key])
        uses = {key: taken[key] / seconds for key in order}
        busiest = next(iter(uses))
        yield Phase(
            name,
            end_h - begin_h,
            {one: used[one] / whole for one in NAMES},
            _asked(headers, "green" if name == "green held" else ""),
            busiest,
            uses[busiest],
            uses,
        )


def _asked(headers: Sequence[str], held: str) -> dict[str, float]:
    """Return by campaign what part it asks for; nothing where priorities decide."""
    shares = [float(header.removeprefix("share = ")) for header in headers if "share" in header]
    found = {name: share for name, share in zip(NAMES, shares, strict=False) if name != held}
    return {name: share / sum(found.values()) for name, share in found.items()}


def _used(
    states: Sequence[CampaignState], begin: datetime, end: datetime
) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Return the instrument-seconds of each campaign, and for how long each resource was taken."""
    used: defaultdict[str, float] = defaultdict(float)
    taken: defaultdict[str, float] = defaultdict(float)
    for state in states:
        for experiment in state.experiments:
            spans: dict[str, list[datetime]] = {}
            for job in experiment.jobs.values():
                if job.started_time is None or job.ended_time is None:
                    continue
                for place in job.planned.positions:
                    spans.setdefault(place, []).extend((job.started_time, job.ended_time))
                if not job.led_by:
                    busy_s = _within(job.started_time, job.ended_time, begin, end)
                    used[state.name] += busy_s
                    taken[job.instrument] += busy_s
            for place, times in spans.items():
                taken[place] += _within(min(times), max(times), begin, end)
    return used, taken


def _within(from_time: datetime, until: datetime, begin: datetime, end: datetime) -> float:
    return max(0.0, (min(until, end) - max(from_time, begin)).total_seconds())


def _part(phase: Phase, name: str) -> str:
    asked = f" (asked {phase.asked[name]:.3f})" if name in phase.asked else ""
    return f"{name} {phase.parts[name]:.3f}{asked}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print shares and use of the busiest resource, phase by phase."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hours", type=float, default=72.0, help="virtual hours of a run")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    runs = [
        measure("shares", ["share = 1", "share = 2", "share = 3"], given.hours, 2),
        measure("priorities", ["priority = 0", "priority = 2", "priority = 1"], given.hours, 1),
    ]
    found = {"hours": given.hours, "runs": [asdict(run) for run in runs]}
    rows = [
        [
            run.name,
            phase.name,
            f"{phase.hours:g}",
            *(_part(phase, one) for one in NAMES),
            f"{phase.busiest} {phase.busiest_use:.1%}",
        ]
        for run in runs
        for phase in run.phases
    ]
    heads = ["run", "phase", "hours", *NAMES, "busiest"]
    text = " ".join((__doc__ or "").partition("Run from")[0].split())
    save("shared_rig", "Three campaigns on one rig", text, heads, rows)
    if given.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return 0
    for run in runs:
        made = ", ".join(f"{name} {n}" for name, n in run.n_experiments.items())
        sys.stdout.write(
            f"{run.name}: experiments {made}; double bookings {run.n_double_bookings}\n"
        )
        for phase in run.phases:
            parts = ", ".join(_part(phase, name) for name in NAMES)
            sys.stdout.write(
                f"  {phase.name:<11}{phase.hours:5.1f} h: {parts}; "
                f"{phase.busiest} {phase.busiest_use:.1%}\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
