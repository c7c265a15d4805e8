"""``athanor plan``: what runs when, what waits and why, and when campaigns should end."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import (
    CampaignArgument,
    DatabaseOption,
    JsonOption,
    console,
    lab_of,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    from orchestrator.service.plan_view import PlanView

__all__ = ["plan"]


def plan(
    campaign_id: CampaignArgument = None,
    *,
    rig: Annotated[
        str, typer.Option("--rig", metavar="NAME", help="Of a rig, whatever campaigns use it.")
    ] = "",
    search: Annotated[
        float,
        typer.Option(
            "--search",
            metavar="SECONDS",
            min=0.0,
            max=600.0,
            help="Look for a better order for so long; no engine is told of it.",
        ),
    ] = 0.0,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write one self-contained page."),
    ] = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show what runs when on a rig, why each waiting job waits, and when campaigns should end.

    Every open sample of every unfinished campaign of the rig is shown, as it is expected to go if
    all jobs last as long as they should. It moves nothing.

    Example: athanor plan

    Example: athanor plan oer-plate-1 --search 10 --html plan.html
    """
    from orchestrator.errors import RequestRefused
    from orchestrator.service.plan import plan_of, plans

    if rig and campaign_id:
        raise RequestRefused("--rig: got a campaign as well, expected one of the two")
    with lab_of(database) as lab:
        if campaign_id is None and (rig or len(lab.unfinished()) != 1):
            found = plans(lab, rig=rig, search_s=search)
        else:
            found = (plan_of(lab, campaign_id, search_s=search),)
    if html is not None:
        _write_page(html, found)
    if as_json:
        write_json([one.model_dump(mode="json") for one in found])
    elif not found:
        write_text("no campaign is unfinished: nothing is to come")
    elif html is None:
        from orchestrator.cli.plan_screen import plan_screen

        screen = console()
        for one in found:
            screen.print(plan_screen(one, screen.width))


def _write_page(file: Path, plans: "Sequence[PlanView]") -> None:
    """Write the page, whole or not at all.

    Args:
        file: Where.
        plans: One for each rig.

    Raises:
        RequestRefused: The file cannot be written.
    """
    from orchestrator.errors import RequestRefused
    from orchestrator.service.plan_page import plan_page

    try:
        file.write_text(plan_page(plans), encoding="utf-8")
    except OSError as error:
        raise RequestRefused(f"--html: got {file}, expected a file to write: {error}") from error
    write_text(f"wrote {file}")
