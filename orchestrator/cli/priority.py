"""``athanor priority``: who goes first where several campaigns share a rig."""

from dataclasses import asdict
from typing import Annotated

import typer

from orchestrator.cli.options import DatabaseOption, JsonOption, lab_of, write_json, write_text

__all__ = ["priority"]


def priority(
    campaign_id: Annotated[
        str | None,
        typer.Argument(
            metavar="CAMPAIGN_ID", help="The only unfinished one unless given.", show_default=False
        ),
    ] = None,
    level: Annotated[
        int | None,
        typer.Option(
            "--priority",
            metavar="N",
            help="-10 to 10: the higher goes first on every instrument.",
            show_default=False,
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            "--share",
            metavar="X",
            help="0.01 to 100: its part of the instrument-hours among equal priorities.",
            show_default=False,
        ),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the log.")] = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show how a campaign stands beside others on its rig, or set it anew, under your name.

    A free instrument is left to the campaign of the higher priority; among equals to the one that
    had least for its share. Jobs that run are finished. Without options it only shows.

    Example: athanor priority oer-plate-1

    Example: athanor priority oer-plate-1 --priority 5 --share 2 --reason "the review is on Friday"
    """
    from orchestrator.service.priorities import Standing, set_priority

    with lab_of(database) as lab:
        if level is None and share is None:
            state = lab.state(campaign_id)
            stands = Standing(state.campaign_id, state.priority, state.share)
        else:
            stands = set_priority(
                lab, priority=level, share=share, reason=reason, campaign_id=campaign_id
            )
    if as_json:
        write_json(asdict(stands))
        return
    write_text(f"{stands.campaign_id}: priority {stands.priority}, share {stands.share:g}")
