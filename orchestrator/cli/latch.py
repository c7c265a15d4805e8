"""``athanor latch``: the software stop latch of the laboratory."""

from typing import Annotated

import typer

from orchestrator.cli.control import tell_replies
from orchestrator.cli.options import (
    EXIT_HELD,
    DatabaseOption,
    JsonOption,
    is_alone,
    lab_of,
    settings_of,
    write_json,
    write_text,
)

__all__ = ["app", "clear", "latch"]

app = typer.Typer(help="Look at the stop latch, or clear it.", invoke_without_command=True)


@app.callback()
def latch(
    context: typer.Context, as_json: JsonOption = False, database: DatabaseOption = None
) -> None:
    """Show whether the stop latch is set; ``clear`` lets the laboratory work again.

    Ends with 3 while it is set.

    Example: athanor latch
    """
    if not is_alone(context, as_json=as_json, database=database):
        return
    with lab_of(database) as lab:
        set_for = lab.laboratory().latch
    if as_json:
        write_json({"is_set": bool(set_for), "reason": set_for})
    elif set_for:
        write_text(f"stop latch is set: {set_for}; nothing is sent")
        typer.echo('then: athanor latch clear --by NAME --reason "..."', err=True)
    else:
        write_text("the stop latch is not set")
    if set_for:
        raise typer.Exit(EXIT_HELD)


@app.command()
def clear(
    reason: Annotated[str, typer.Option("--reason", help="Why it is safe again.")],
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="Who says so; it stands in the log.")
    ],
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Clear the stop latch, as a named person; campaigns that were held are resumed one by one.

    Example: athanor latch clear --by ada --reason "hose replaced, floor dry"
    """
    from orchestrator.cli.station_door import station_door
    from orchestrator.service.bench_decisions import clear_latch
    from orchestrator.service.lab import Lab

    settings = settings_of(database).model_copy(update={"actor": by})
    with Lab.open(settings) as lab:
        decided = clear_latch(lab, station_door(settings), reason=reason, by=by)
        waiting = [state.campaign_id for state in lab.unfinished() if state.status.is_waiting]
    if as_json:
        stations = [reply.model_dump(mode="json") for reply in decided.replies]
        write_json({"is_set": bool(decided.lab.latch), "waiting": waiting, "stations": stations})
    else:
        write_text(f"stop latch cleared by {by}: jobs may be sent again")
        for campaign_id in waiting:
            typer.echo(f"still waits; go on with: athanor resume {campaign_id}", err=True)
    tell_replies(decided.replies)
