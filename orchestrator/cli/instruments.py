"""``athanor instruments``: which of them answer, and taking one out of service."""

from typing import Annotated

import typer

from orchestrator.cli.control import tell_replies
from orchestrator.cli.options import (
    EXIT_HELD,
    DatabaseOption,
    JsonOption,
    console,
    is_alone,
    lab_of,
    settings_of,
    write_json,
    write_text,
)

__all__ = ["app", "instruments", "list_instruments", "out", "put_back"]

app = typer.Typer(
    help="Show the instruments, take one out of service, put it back.",
    invoke_without_command=True,
)

_NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The instrument, as the rig file names it.")
]


@app.callback()
def instruments(
    context: typer.Context, as_json: JsonOption = False, database: DatabaseOption = None
) -> None:
    """Show the instruments, take one out of service, put it back."""
    if is_alone(context, as_json=as_json, database=database):
        list_instruments(as_json, database)


@app.command("list")
def list_instruments(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """Show every instrument that was ever heard of, and why it cannot be used.

    Ends with 3 if one cannot be used.

    Example: athanor instruments list --json
    """
    with lab_of(database) as lab:
        view, now = lab.laboratory_view(), lab.bench_now()
    if as_json:
        write_json([one.model_dump(mode="json") for one in view.instruments])
    elif view.instruments:
        from orchestrator.cli.lab_screens import instruments_table

        console().print(instruments_table(view, now))
    else:
        write_text("no instrument was ever heard of")
    if any(one.why_unusable for one in view.instruments):
        raise typer.Exit(EXIT_HELD)


@app.command()
def out(
    name: _NameArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the log.")],
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Take an instrument out of service: a running job ends, no other is sent; its samples wait.

    Example: athanor instruments out pump_x1 --reason "valve leaks"
    """
    from orchestrator.cli.station_door import station_door
    from orchestrator.service.bench_decisions import take_out

    with lab_of(database) as lab:
        decided = take_out(lab, station_door(settings_of(database)), name, reason=reason)
    if as_json:
        write_json({"instrument": name, "status": "out", "reason": reason})
    else:
        write_text(f"{name} is out of service: no job is sent to it, samples that need it wait")
        typer.echo(f"then: athanor instruments back {name}", err=True)
    tell_replies(decided.replies)


@app.command("back")
def put_back(
    name: _NameArgument,
    reason: Annotated[str, typer.Option("--reason", help="What was done.")] = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Put an instrument back into service: jobs that waited for it are sent.

    Example: athanor instruments back pump_x1 --reason "valve replaced"
    """
    from orchestrator.cli.station_door import station_door
    from orchestrator.service import bench_decisions

    with lab_of(database) as lab:
        door = station_door(settings_of(database))
        decided = bench_decisions.put_back(lab, door, name, reason=reason)
        waiting = [state.campaign_id for state in lab.unfinished() if state.status.is_waiting]
    if as_json:
        write_json({"instrument": name, "status": "back", "waiting": waiting})
    else:
        write_text(f"{name} is back: jobs that waited for it are sent")
        for campaign_id in waiting:
            typer.echo(f"still waits; go on with: athanor resume {campaign_id}", err=True)
    tell_replies(decided.replies)
