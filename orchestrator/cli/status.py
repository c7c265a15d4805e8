"""``athanor status`` and ``athanor campaigns``: where things stand."""

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import (
    CampaignArgument,
    DatabaseOption,
    JsonOption,
    console,
    lab_of,
    write_text,
)

if TYPE_CHECKING:
    from orchestrator.service.lab import Lab

__all__ = ["campaigns", "status"]

_LOOK_EVERY_S = 1.0


def status(
    campaign_id: CampaignArgument = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep looking.")] = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show where a campaign stands: state, experiments, doubts, best values, what is left.

    A campaign that should go on while no engine is alive is shown as unattended.

    Example: athanor status --watch

    Example: athanor status oer-plate-1 --json
    """
    with lab_of(database) as lab:
        if watch:
            with suppress(KeyboardInterrupt):
                _watch(lab, campaign_id, as_json=as_json)
        elif as_json:
            write_text(_as_json(lab, campaign_id))
        else:
            from orchestrator.cli.screens import campaign_panel

            console().print(campaign_panel(lab.campaign(campaign_id)))
            _tell_alarms(lab)


def _as_json(lab: "Lab", campaign_id: str | None, *, indent: int | None = 1) -> str:
    from orchestrator.service.alarms import alarm_counts
    from orchestrator.service.status import status_facts

    facts = status_facts(lab.campaign(campaign_id), alarm_counts(lab))
    return json.dumps(facts, indent=indent)


def _tell_alarms(lab: "Lab") -> None:
    """Say how many alarms there are, if there are any."""
    from orchestrator.service.alarms import alarm_counts

    counts = alarm_counts(lab)
    if counts.active:
        worst = f", the worst {counts.worst}" if counts.worst else ""
        unseen = f"{counts.unacknowledged} not acknowledged"
        write_text(f"alarms: {counts.active}{worst}, {unseen}; athanor alarms shows them")


def _watch(lab: "Lab", campaign_id: str | None, *, as_json: bool) -> None:
    """Show the campaign again and again until it has ended or somebody presses Ctrl-C."""
    from rich.live import Live

    from orchestrator.cli.screens import campaign_panel

    view = lab.campaign(campaign_id)
    if as_json:
        write_text(_as_json(lab, view.campaign_id, indent=None))
        while not lab.campaign(view.campaign_id).has_ended:
            lab.wait(_LOOK_EVERY_S)
            write_text(_as_json(lab, view.campaign_id, indent=None))
        return
    with Live(campaign_panel(view), console=console(), auto_refresh=False) as screen:
        while not view.has_ended:
            lab.wait(_LOOK_EVERY_S)
            view = lab.campaign(view.campaign_id)
            screen.update(campaign_panel(view), refresh=True)


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
