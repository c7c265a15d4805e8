"""``athanor check``: whether a campaign can be run, and what it will take; nothing is written."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import JsonOption, console, write_text

__all__ = ["check"]


def check(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="The campaign file.")],
    rig: Annotated[
        Path | None,
        typer.Option("--rig", metavar="FILE", help="The rig file; the space alone unless given."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check both files, and say what the campaign will take: stock, hours, money, the end.

    Example: athanor check oer.toml --rig rig.toml
    """
    from orchestrator.service.outlook import outlook

    found = outlook(campaign, rig)
    if as_json:
        write_text(found.model_dump_json(indent=1))
        return
    from orchestrator.cli.outlook_screen import outlook_panel

    console().print(outlook_panel(found))
