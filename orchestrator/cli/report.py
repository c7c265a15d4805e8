"""``athanor report``: a campaign as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import CampaignArgument, DatabaseOption, lab_of, write_text

__all__ = ["report"]


def report(
    campaign_id: CampaignArgument = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The HTML file, with its folders.")
    ] = Path("report.html"),
    database: DatabaseOption = None,
) -> None:
    """Write a campaign's report: one HTML file that needs nothing else.

    Example: athanor report oer-plate-1 --out oer.html
    """
    from orchestrator.service.report import write_report

    with lab_of(database) as lab:
        view = lab.campaign(campaign_id)
        path = write_report(view, out, made_time=lab.now())
    write_text(f"report of {view.campaign_id}: {path}")
