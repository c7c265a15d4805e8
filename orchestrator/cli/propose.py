"""``athanor propose``: the next points for a lab that makes its samples by hand."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import JsonOption, write_text
from orchestrator.errors import AthanorError

__all__ = ["propose"]


def propose(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="The campaign file.")],
    *,
    observations: Annotated[
        Path | None,
        typer.Option(
            "--observations", metavar="FILE", help="CSV of what was made and measured so far."
        ),
    ] = None,
    pending: Annotated[
        Path | None,
        typer.Option("--pending", metavar="FILE", help="CSV of points that are being made now."),
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many points.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same points.")] = 0,
    as_json: JsonOption = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="The file; stdout unless given."),
    ] = None,
) -> None:
    """Propose the next points from a table of observations; nothing is recorded.

    The table goes to stdout; how the points were chosen and why, and everything else, to stderr.
    The same files and the same seed give the same points.

    Example: athanor propose oer.toml --observations obs.csv --pending p.csv -n 4 --seed 0
    """
    from orchestrator.ask_tell import AskTell
    from orchestrator.service.tables import TableFormat, frame_text, read_table

    asker = AskTell.from_file(campaign, seed=seed)
    if observations is not None:
        asker.tell(read_table(observations), source=str(observations))
    proposal = asker.propose(
        n,
        pending=None if pending is None else read_table(pending),
        pending_source=str(pending),
    )
    points = asker.frame_of(proposal)
    typer.echo(f"{proposal.method}: {proposal.reason}", err=True)
    if len(points) < n:
        typer.echo(f"{len(points)} of {n} points: no others are left to propose", err=True)
    text = frame_text(points, TableFormat.JSON if as_json else TableFormat.CSV)
    if out is None:
        write_text(text)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AthanorError(f"{out}: the table cannot be written: {error.strerror}") from error
    typer.echo(f"{len(points)} points in {out}", err=True)
