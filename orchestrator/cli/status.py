"""``athanor status`` and ``athanor campaigns``: where things stand."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import (
    EXIT_ABORTED,
    EXIT_DONE,
    EXIT_HELD,
    CampaignArgument,
    DatabaseOption,
    JsonOption,
    console,
    lab_of,
    settings_of,
    write_text,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from orchestrator.service.lab import Lab
    from orchestrator.service.laboratory_view import LaboratoryView

__all__ = ["campaigns", "status"]

_LOOK_EVERY_S = 1.0


def status(
    campaign_id: CampaignArgument = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep looking.")] = False,
    tells_by_code: Annotated[
        bool,
        typer.Option("--exit-code", help="End with 3 if somebody is needed, with 4 if aborted."),
    ] = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show where a campaign stands, and what in the laboratory needs somebody.

    A campaign that should go on while no engine is alive is shown as unattended. Where a campaign
    does not go on by itself, the commands that help follow. Ends with 0 whatever it shows, unless
    --exit-code is given.

    Example: athanor status --watch

    Example: athanor status oer-plate-1 --json --exit-code
    """
    with lab_of(database) as lab:
        if watch:
            with suppress(KeyboardInterrupt):
                _watch(lab, database, campaign_id, as_json=as_json)
        elif as_json:
            write_text(_as_json(lab, database, campaign_id))
        else:
            console().print(_panel(lab, database, campaign_id))
            _tell_steps(lab, database, campaign_id)
            _tell_alarms(lab)
        if tells_by_code:
            raise typer.Exit(_code(lab, campaign_id))


def _code(lab: "Lab", campaign_id: str | None) -> int:
    """Return 0 if a campaign goes on or is done, 3 if somebody is needed, 4 if it was aborted."""
    from orchestrator.service.status import needs_person

    view = lab.campaign(campaign_id)
    if view.status == "aborted":
        return EXIT_ABORTED
    return EXIT_HELD if needs_person(view, lab.laboratory_view()) else EXIT_DONE


def _panel(lab: "Lab", database: Path | None, campaign_id: str | None) -> "RenderableType":
    from orchestrator.cli.screens import campaign_panel

    view = lab.campaign(campaign_id)
    return campaign_panel(view, _laboratory(lab, database), lab.bench_now())


def _as_json(
    lab: "Lab", database: Path | None, campaign_id: str | None, *, indent: int | None = 1
) -> str:
    from orchestrator.service.alarms import alarm_counts
    from orchestrator.service.status import status_facts

    view = lab.campaign(campaign_id)
    facts = status_facts(view, alarm_counts(lab), _laboratory(lab, database), lab.bench_now())
    facts["next_steps"] = _steps(lab, database, view.campaign_id)
    return json.dumps(facts, indent=indent)


def _steps(lab: "Lab", database: Path | None, campaign_id: str | None) -> tuple[str, ...]:
    from orchestrator.service.next_steps import steps_now

    view, path = lab.campaign(campaign_id), settings_of(database).database
    return steps_now(lab, view, lab.laboratory_view(), database=path)


def _tell_steps(lab: "Lab", database: Path | None, campaign_id: str | None) -> None:
    """Say what to type next, unwrapped, so that it can be copied."""
    for step in _steps(lab, database, campaign_id):
        write_text(step)


def _laboratory(lab: "Lab", database: Path | None) -> "LaboratoryView":
    """Return the laboratory by the log, and which stations are there by themselves."""
    from orchestrator.cli.station_door import signs_of_stations

    signs = signs_of_stations(settings_of(database))
    return lab.laboratory_view().model_copy(update={"signs": signs})


def _tell_alarms(lab: "Lab") -> None:
    """Say how many alarms there are, if there are any."""
    from orchestrator.service.alarms import alarm_counts

    counts = alarm_counts(lab)
    if counts.active:
        worst = f", the worst {counts.worst}" if counts.worst else ""
        unseen = f"{counts.unacknowledged} not acknowledged"
        write_text(f"alarms: {counts.active}{worst}, {unseen}; athanor alarms shows them")


def _watch(lab: "Lab", database: Path | None, campaign_id: str | None, *, as_json: bool) -> None:
    """Show the campaign again and again until it has ended or somebody presses Ctrl-C."""
    from rich.live import Live

    view = lab.campaign(campaign_id)
    if as_json:
        write_text(_as_json(lab, database, view.campaign_id, indent=None))
        while not lab.campaign(view.campaign_id).has_ended:
            lab.wait(_LOOK_EVERY_S)
            write_text(_as_json(lab, database, view.campaign_id, indent=None))
        return
    with Live(
        _panel(lab, database, view.campaign_id), console=console(), auto_refresh=False
    ) as screen:
        while not view.has_ended:
            lab.wait(_LOOK_EVERY_S)
            view = lab.campaign(view.campaign_id)
            screen.update(_panel(lab, database, view.campaign_id), refresh=True)


def campaigns(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List every campaign of the log, the one last written to at the end.

    Example: athanor campaigns --json
    """
    with lab_of(database) as lab:
        lines = lab.campaigns()
    if as_json:
        write_text(json.dumps([line.model_dump(mode="json") for line in lines], indent=1))
        return
    from orchestrator.cli.screens import campaigns_table

    console().print(campaigns_table(lines))
