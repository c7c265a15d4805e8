"""``athanor pause``, ``resume``, ``hold``, ``stop``, ``abort``, ``estop``: what people ask for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import (
    EXIT_HELD,
    CampaignArgument,
    DatabaseOption,
    JsonOption,
    lab_of,
    settings_of,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.service.station_door import StationReply

__all__ = ["abort", "estop", "hold", "pause", "resume", "stop", "tell_replies"]

_ReasonOption = Annotated[
    str, typer.Option("--reason", help="Why, in your words; it stands in the log.")
]

_NOBODY_THERE = (
    "no engine is there to act on it; the next one will: athanor run CAMPAIGN --rig RIG --resume, "
    "or its service by itself"
)


def pause(
    campaign_id: CampaignArgument = None,
    reason: _ReasonOption = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Finish the running experiments, start no other.

    Example: athanor pause oer-plate-1 --reason "refill x3"
    """
    _ask("pause", campaign_id, reason, database, as_json=as_json)


def hold(
    campaign_id: CampaignArgument = None,
    reason: _ReasonOption = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Finish the running jobs, start no other; samples wait where they are.

    Example: athanor hold oer-plate-1 --reason "look at the cell first"
    """
    _ask("hold", campaign_id, reason, database, as_json=as_json)


def resume(
    campaign_id: CampaignArgument = None,
    reason: _ReasonOption = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Go on with a paused or held campaign.

    Example: athanor resume oer-plate-1
    """
    _ask("resume", campaign_id, reason, database, as_json=as_json)


def stop(
    campaign_id: CampaignArgument = None,
    reason: _ReasonOption = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Finish the running jobs, bring everything to its safe state, end the campaign.

    Example: athanor stop oer-plate-1 --reason "stock is wrong"
    """
    _ask("stop", campaign_id, reason, database, as_json=as_json)


def abort(
    campaign_id: CampaignArgument = None,
    reason: _ReasonOption = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Bring everything to its safe state now, in the middle of jobs, and end the campaign.

    This is no emergency stop: that one is hardware.

    Example: athanor abort oer-plate-1 --reason "leak"
    """
    _ask("abort", campaign_id, reason, database, as_json=as_json)


def estop(
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the log.")],
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Make every rig of this database safe now, and send nothing until the latch is cleared.

    All campaigns wait; running jobs are cut off. This is software: the red button is hardware.

    Example: athanor estop --reason "smoke at the furnace"
    """
    from orchestrator.cli.station_door import station_door
    from orchestrator.service.bench_decisions import emergency_stop

    settings = settings_of(database)
    decided = emergency_stop(lambda: lab_of(database), station_door(settings), reason=reason)
    if as_json:
        stations = [reply.model_dump(mode="json") for reply in decided.replies]
        write_json({"latch": decided.lab.latch, "stations": stations})
    else:
        write_text(f"stop latch set: {decided.lab.latch}; nothing is sent until it is cleared")
        if not decided.replies:
            typer.echo(
                "no station lives: engines that read this log send nothing more, but jobs that "
                "run are not cut off; the red button is hardware",
                err=True,
            )
        typer.echo('then: athanor latch clear --by NAME --reason "..."', err=True)
    if not tell_replies(decided.replies):
        raise typer.Exit(EXIT_HELD)


def _ask(
    word: str, campaign_id: str | None, reason: str, database: Path | None, *, as_json: bool
) -> None:
    from orchestrator.cli.station_door import station_door
    from orchestrator.service.asking import ask_campaign
    from orchestrator.service.requests import Request

    settings, request = settings_of(database), Request(word)
    asked = ask_campaign(
        lambda: lab_of(database), station_door(settings), request, campaign_id, reason=reason
    )
    line = asked.line
    if as_json:
        stations = [reply.model_dump(mode="json") for reply in asked.replies]
        write_json({"campaign": line.campaign_id, "state": line.state, "stations": stations})
    else:
        write_text(f"{line.campaign_id}: {word} requested, now {line.state}")
        typer.echo(request.consequence, err=True)
    if line.state == "unattended":
        typer.echo(_NOBODY_THERE, err=True)
    if not tell_replies(asked.replies):
        raise typer.Exit(EXIT_HELD)


def tell_replies(replies: "Sequence[StationReply]") -> bool:
    """Say on stderr what stations said that a person must know; tell whether all of them did it."""
    for reply in replies:
        if reply.message or not reply.is_done:
            word = "" if reply.is_done else "did not do it: "
            typer.echo(f"station {reply.station}: {word}{reply.message}", err=True)
    return all(reply.is_done for reply in replies)
