"""``athanor samples``: where each sample is, what was done to it, what is still to be done."""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import (
    DatabaseOption,
    JsonOption,
    console,
    is_alone,
    lab_of,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from orchestrator.service.samples import JobOfSample, SampleView, Stand

__all__ = ["app", "list_samples", "samples", "show"]

app = typer.Typer(
    help="Show samples: where each one is, what was done to it, what is left to do.",
    invoke_without_command=True,
)


@app.callback()
def samples(
    context: typer.Context, as_json: JsonOption = False, database: DatabaseOption = None
) -> None:
    """Show samples: where each one is, what was done to it, what is left to do."""
    if is_alone(context, as_json=as_json, database=database):
        list_samples(as_json=as_json, database=database)


@app.command("list")
def list_samples(
    campaign_id: Annotated[
        str | None,
        typer.Argument(
            metavar="CAMPAIGN_ID", help="All unfinished ones unless given.", show_default=False
        ),
    ] = None,
    place: Annotated[
        str, typer.Option("--place", metavar="NAME", help="Only those that stand there now.")
    ] = "",
    only_open: Annotated[
        bool, typer.Option("--open", help="Leave out those that have ended.")
    ] = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show samples that are being made, and the last twenty of each campaign that have ended.

    Example: athanor samples list --open

    Example: athanor samples list oer-plate-1 --place furnace --json
    """
    from orchestrator.service.samples import samples as samples_of
    from orchestrator.service.samples import unfinished

    with lab_of(database) as lab:
        chosen = [campaign_id] if campaign_id is not None else unfinished(lab.campaigns())
        states = [lab.state(name) for name in chosen]
        found = samples_of(lab, states, place=place, only_open=only_open)
    if as_json:
        write_json([one.model_dump(mode="json") for one in found])
    elif found:
        console().print(_table(found))
    else:
        write_text("no sample is being made" + (f" at {place}" if place else ""))


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="SAMPLE", help="Such as oer-plate-1/E0017, or E0017.")
    ],
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show one sample: where it was and is, every job, what went in and from which lot.

    Example: athanor samples show oer-plate-1/E0017
    """
    from orchestrator.service.samples import sample

    campaign_id, _, experiment_id = name.rpartition("/")
    with lab_of(database) as lab:
        view = sample(lab, lab.state(campaign_id or None), experiment_id)
    if as_json:
        write_json(view.model_dump(mode="json"))
        return
    console().print(_story(view))


def _table(found: "tuple[SampleView, ...]") -> "RenderableType":
    from rich.table import Table

    table = Table("sample", "standing", "where", "now", "next", "must begin by")
    for one in found:
        running = [job for job in one.done if job.state == "started"]
        due = [job for job in one.left if job.is_due]
        by = min((job.must_begin_by for job in due if job.must_begin_by), default=None)
        table.add_row(
            one.sample,
            one.standing,
            ", ".join(map(_place, one.stands)),
            ", ".join(f"{job.name} on {job.instrument}" for job in running),
            ", ".join(job.name for job in due),
            "" if by is None else f"{by:%m-%d %H:%M:%S}",
        )
    return table


def _place(stand: "Stand") -> str:
    return stand.place if stand.slot is None else f"{stand.place} {stand.slot}"


def _story(view: "SampleView") -> "RenderableType":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    values = ", ".join(f"{name} {value}" for name, value in view.point.items() if value)
    head = f"{view.sample}: {view.standing}" + (f", {view.reason}" if view.reason else "")
    places = [f"stands in {_place(one)} since {one.since:%m-%d %H:%M:%S}" for one in view.stands]
    places += [
        f"stood in {_place(one)} from {one.since:%m-%d %H:%M:%S} to {one.until:%m-%d %H:%M:%S}"
        for one in view.stood
        if one.until is not None
    ]
    jobs = Table("job", "instrument", "state", "began", "ended", "remark")
    for job in (*view.done, *view.left):
        jobs.add_row(job.name, job.instrument, _state(job), *_times(job), _remark(job))
    went_in = [
        f"{one.amount:.6g} {one.unit} of {one.stock} (lot {one.lot})" for one in view.went_in
    ]
    drawn = [f"went in: {', '.join(went_in)}"] if went_in else []
    lines = [head, values, *places, *drawn]
    return Group(*map(Text, lines), jobs)


def _state(job: "JobOfSample") -> str:
    return "its turn" if job.is_due and job.state == "queued" else job.state


def _times(job: "JobOfSample") -> tuple[str, str]:
    times = (job.started_time, job.ended_time)
    begun, ended = ("" if time is None else f"{time:%m-%d %H:%M:%S}" for time in times)
    return begun, ended


def _remark(job: "JobOfSample") -> str:
    parts = [job.note] if job.note else []
    if job.with_samples:
        parts.append(f"with {', '.join(job.with_samples)}")
    if job.n_readings:
        parts.append(f"{job.n_readings} readings" if job.n_readings > 1 else "1 reading")
    if job.must_begin_by is not None:
        parts.append(f"must begin by {job.must_begin_by:%m-%d %H:%M:%S}")
    return "; ".join(parts)
