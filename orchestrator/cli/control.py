"""``athanor pause``, ``resume``, ``stop`` and ``abort``: requests, put into the log."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import CampaignArgument, DatabaseOption, lab_of, write_text

__all__ = ["abort", "pause", "resume", "stop"]

_ReasonOption = Annotated[
    str, typer.Option("--reason", help="Why, in your words; it stands in the log.")
]

_NOBODY_THERE = (
    "no engine is there to act on it; the next one will: athanor run CAMPAIGN --rig RIG --resume"
)


def pause(
    campaign_id: CampaignArgument = None,
    reason: _ReasonOption = "",
    database: DatabaseOption = None,
) -> None:
    """Finish the running experiments, start no other.

    Example: athanor pause oer-plate-1 --reason "refill x3"
    """
    _ask("pause", campaign_id, reason, database)


def resume(
    campaign_id: CampaignArgument = None,
    reason: _ReasonOption = "",
    database: DatabaseOption = None,
) -> None:
    """Go on with a paused campaign.

    Example: athanor resume oer-plate-1
    """
    _ask("resume", campaign_id, reason, database)


def stop(
    campaign_id: CampaignArgument = None,
    reason: _ReasonOption = "",
    database: DatabaseOption = None,
) -> None:
    """Finish the running jobs, bring everything to its safe state, end the campaign.

    Example: athanor stop oer-plate-1 --reason "stock is wrong"
    """
    _ask("stop", campaign_id, reason, database)


def abort(
    campaign_id: CampaignArgument = None,
    reason: _ReasonOption = "",
    database: DatabaseOption = None,
) -> None:
    """Bring everything to its safe state now, in the middle of jobs, and end the campaign.

    This is no emergency stop: that one is hardware.

    Example: athanor abort oer-plate-1 --reason "leak"
    """
    _ask("abort", campaign_id, reason, database)


def _ask(word: str, campaign_id: str | None, reason: str, database: Path | None) -> None:
    from orchestrator.service.requests import Request

    with lab_of(database) as lab:
        line = lab.request(Request(word), campaign_id, reason=reason)
    write_text(f"{line.campaign_id}: {word} requested, now {line.state}")
    if line.state == "unattended":
        typer.echo(_NOBODY_THERE, err=True)
