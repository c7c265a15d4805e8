"""``athanor add``: a point of one's own goes before what planners proposed."""

from typing import Annotated

import typer

from orchestrator.cli.named_values import named_values
from orchestrator.cli.options import DatabaseOption, JsonOption, lab_of, write_json, write_text

__all__ = ["add"]


def add(
    point: Annotated[
        list[str],
        typer.Argument(
            metavar="POINT...",
            help="A value for every component and parameter: Ni=0.5,Fe=0.5,Co=0 furnace_c=450.",
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the log.")],
    repeats: Annotated[
        bool, typer.Option("--again", help="Also if it was made or rejected before.")
    ] = False,
    campaign_id: Annotated[
        str | None,
        typer.Option(
            "--campaign",
            metavar="CAMPAIGN_ID",
            help="To which campaign; the only unfinished one unless given.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Add a point of your own to the queue, under your name: it is made before what was proposed.

    It must be one that a planner could have proposed, needs no approval, and counts as an
    experiment. A mixture needs all of its fractions, zeros too.

    Example: athanor add Ni=0.5,Fe=0.5,Co=0 furnace_c=450 --reason "the recipe of last year"
    """
    from orchestrator.service.own_points import add_point

    values = named_values(point, "POINT")
    with lab_of(database) as lab:
        added = add_point(lab, values, reason=reason, campaign_id=campaign_id, repeats=repeats)
    if as_json:
        write_json(
            {
                "campaign_id": added.campaign_id,
                "candidate_id": added.candidate_id,
                "point": dict(added.point),
                "added_by": added.person,
                "before": list(added.before),
            }
        )
        return
    before = f", before {', '.join(added.before)}" if added.before else ""
    write_text(f"{added.campaign_id}: {added.candidate_id} added and approved{before}")
