"""``athanor places``: what failed experiments left on the bench."""

from typing import Annotated

import typer

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

__all__ = ["app", "clean", "list_places", "places"]

app = typer.Typer(
    help="Show places that no sample may use, and say that they are clean.",
    invoke_without_command=True,
)


@app.callback()
def places(
    context: typer.Context, as_json: JsonOption = False, database: DatabaseOption = None
) -> None:
    """Show places that no sample may use, and say that they are clean."""
    if is_alone(context, as_json=as_json, database=database):
        list_places(as_json, database)


@app.command("list")
def list_places(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """Show every place that holds what is left of a failed experiment.

    Ends with 3 if there is one.

    Example: athanor places list
    """
    with lab_of(database) as lab:
        view, now = lab.laboratory_view(), lab.bench_now()
    if as_json:
        write_json([place.model_dump(mode="json") for place in view.unclean])
    elif view.unclean:
        from orchestrator.cli.lab_screens import places_table

        console().print(places_table(view, now))
        typer.echo('clean them, then: athanor places clean NAME --reason "..."', err=True)
    else:
        write_text("no place is unclean")
    if view.unclean:
        raise typer.Exit(EXIT_HELD)


@app.command()
def clean(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="The places, or the word all.")
    ],
    reason: Annotated[str, typer.Option("--reason", help="How; it stands in the log.")],
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Say that places are clean, under your name: the next sample will use them.

    Example: athanor places clean flow_cell mixing_vessel --reason "rinsed with water, twice"
    """
    from orchestrator.cli.station_door import station_door
    from orchestrator.service.bench_decisions import clean_places

    with lab_of(database) as lab:
        door = station_door(settings_of(database))
        _, cleaned = clean_places(lab, door, names, reason=reason)
        waiting = [state.campaign_id for state in lab.unfinished() if state.status.is_waiting]
    if as_json:
        write_json({"cleaned": cleaned, "waiting": waiting})
        return
    for place, who in cleaned.items():
        write_text(f"{place} is clean (was left so by {who}): the next sample may use it")
    for campaign_id in waiting:
        typer.echo(f"still waits; go on with: athanor resume {campaign_id}", err=True)
