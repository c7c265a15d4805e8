"""Several campaigns of one dry-run on one pretended bench, and what their log says of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from orchestrator.core.campaign import CampaignState, fold
from orchestrator.core.events import Event, campaign_stream
from orchestrator.core.job import JobStatus
from orchestrator.core.occupancy import stays_of
from orchestrator.log.event_log import Record
from orchestrator.log.sql_log import open_sqlite_log
from orchestrator.wiring import (
    Progress,
    RunEnd,
    RunHandle,
    RunOptions,
    prepare_together,
    run_together,
)

__all__ = [
    "LIBRARY",
    "append",
    "campaign_file",
    "double_bookings",
    "options_for",
    "recorded",
    "run_all",
]

LIBRARY = Path("campaigns/library/oer")


def campaign_file(folder: Path, name: str, *, max_experiments: int = 3) -> Path:
    """Write the shipped campaign under a name of its own, with the Sobol planner, one at a time."""
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = text.replace("max_experiments = 100", f"max_experiments = {max_experiments}")
    text = text.replace('name = "botorch"', 'name = "sobol"')
    text = text.replace("in_flight = 2", "in_flight = 1")
    file = folder / f"{name}.toml"
    file.write_text(text.replace('name = "oer-plate"', f'name = "{name}"'), encoding="utf-8")
    return file


def options_for(
    folder: Path, *, names: Sequence[str] = ("red", "green", "blue"), seed: int = 0
) -> list[RunOptions]:
    """Return the options of a dry-run of campaigns with these names."""
    return [
        RunOptions(
            campaign_file(folder, name),
            LIBRARY / "oer_rig.toml",
            folder / "athanor.db",
            is_dry_run=True,
            actor="tester",
            seed=seed,
        )
        for name in names
    ]


def run_all(
    options: Sequence[RunOptions],
    *,
    on_progress: Callable[[Progress, Sequence[RunHandle]], None] = lambda _p, _h: None,
) -> dict[str, RunEnd]:
    """Run campaigns together; return how each ended, by id."""
    handles: list[RunHandle] = []
    ends = run_together(
        prepare_together(options),
        on_progress=lambda progress: on_progress(progress, handles),
        on_start=handles.extend,
    )
    return {end.campaign_id: end for end in ends}


def append(options: Sequence[RunOptions], progress: Progress, event: Event) -> None:
    """Append an event to the stream of the campaign shown, as somebody at another terminal."""
    with closing(open_sqlite_log(options[0].database)) as log:
        log.append(
            campaign_stream(progress.view.campaign_id),
            [event],
            time=progress.now,
            actor="tester",
            is_simulated=True,
        )


def recorded(options: Sequence[RunOptions]) -> list[Record]:
    """Return the whole log."""
    with closing(open_sqlite_log(options[0].database, must_exist=True)) as log:
        return list(log.read())


def double_bookings(records: Sequence[Record]) -> list[str]:
    """Return every moment at which two jobs had one instrument, or two samples one slot."""
    states: dict[str, CampaignState] = {}
    found: dict[str, None] = {}
    for record in records:
        if not record.stream.startswith(campaign_stream("")):
            continue
        state = states.get(record.stream)
        after = (
            fold([(record.event, record.time)])
            if state is None
            else state.after(record.event, record.time)
        )
        if after is None:
            raise ValueError(f"the first record of {record.stream} is no opening")
        states[record.stream] = after
        taken = Counter(_taken(states.values()))
        found.update((f"{record.seq}: {what}", None) for what, n in taken.items() if n > 1)
    return list(found)


def _taken(states: Iterable[CampaignState]) -> Iterator[str]:
    for state in states:
        for experiment in state.open_experiments.values():
            for stay in stays_of(experiment, experiment.experiment_id):
                yield f"slot {stay.slot} of {stay.place}"
            for job in experiment.jobs.values():
                if job.status is JobStatus.STARTED and not job.led_by:
                    yield f"instrument {job.instrument}"
