"""``athanor export``: a campaign's experiments as a table."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import (
    EXIT_BAD_INPUT,
    CampaignArgument,
    DatabaseOption,
    lab_of,
    write_text,
)

__all__ = ["export"]


def export(
    campaign_id: CampaignArgument = None,
    form: Annotated[
        str, typer.Option("--format", metavar="csv|parquet|json", help="In what form.")
    ] = "csv",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="The file, with its folders; stdout unless given."
        ),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Write a campaign's experiments as a table, one row each.

    Folders of --out that are not there are made; a file that is there is written over.

    Example: athanor export oer-plate-1 --format parquet --out oer.parquet
    """
    from orchestrator.service.tables import (
        TableFormat,
        experiments_frame,
        frame_text,
        write_export,
    )

    if form not in list(TableFormat):
        typer.echo(f"--format: got {form!r}, expected csv, parquet or json", err=True)
        raise typer.Exit(EXIT_BAD_INPUT)
    chosen = TableFormat(form)
    if out is None and chosen is TableFormat.PARQUET:
        typer.echo("--out: got nothing, expected a file for parquet", err=True)
        raise typer.Exit(EXIT_BAD_INPUT)
    with lab_of(database) as lab:
        view = lab.campaign(campaign_id)
    if out is None:
        write_text(frame_text(experiments_frame(view), chosen))
    else:
        path = write_export(view, out, chosen)
        typer.echo(f"{len(view.experiments)} experiments in {path}", err=True)
