"""``athanor candidates``, ``approve``, ``reject``, ``edit``: the gate before a sample is made."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.named_values import named_values
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
    from orchestrator.core.campaign import CampaignState
    from orchestrator.service.approvals import CandidateView

__all__ = ["approve", "candidates", "edit", "reject"]

_CampaignOption = Annotated[
    str | None,
    typer.Option(
        "--campaign",
        metavar="CAMPAIGN_ID",
        help="Of which campaign; the only unfinished one unless given.",
        show_default=False,
    ),
]
_IdsArgument = Annotated[
    list[str], typer.Argument(metavar="ID...", help="As `athanor candidates` lists them.")
]
_ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it stands in the log.")]


def candidates(
    campaign_id: CampaignArgument = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show what was proposed or added and not started, and what waits for a person.

    Example: athanor candidates oer-plate-1
    """
    from orchestrator.service.approvals import candidate_views

    with lab_of(database) as lab:
        views = candidate_views(lab.state(campaign_id))
    if as_json:
        write_json([view.model_dump(mode="json") for view in views])
    elif views:
        _show(views)
    else:
        write_text("no candidate is in the queue")


def approve(
    ids: _IdsArgument,
    reason: _ReasonOption = "",
    campaign_id: _CampaignOption = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Let candidates be made, under your name.

    Example: athanor approve C0004 C0005 --reason "within what we know"
    """
    from orchestrator.service import approvals

    with lab_of(database) as lab:
        state = approvals.approve(lab, ids, reason=reason, campaign_id=campaign_id)
    _tell(state, "approved", ids, as_json=as_json)


def reject(
    ids: _IdsArgument,
    reason: _ReasonOption,
    campaign_id: _CampaignOption = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Refuse candidates, under your name: they are not made, and not proposed again.

    Example: athanor reject C0004 --reason "it would clog the needle"
    """
    from orchestrator.service import approvals

    with lab_of(database) as lab:
        state = approvals.reject(lab, ids, reason=reason, campaign_id=campaign_id)
    _tell(state, "rejected", ids, as_json=as_json)


def edit(
    candidate_id: Annotated[str, typer.Argument(metavar="ID", help="The candidate.")],
    changes: Annotated[
        str, typer.Argument(metavar="CHANGES", help="What differs: Cu=0.04,Mg=0.02.")
    ],
    reason: _ReasonOption,
    campaign_id: _CampaignOption = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Change a candidate before it is made, and thereby approve it, under your name.

    The changed point must be one that a planner could have proposed.

    Example: athanor edit C0004 Ni=0.5,Fe=0.5 --reason "less cobalt"
    """
    from orchestrator.service import approvals

    with lab_of(database) as lab:
        state = approvals.edit(
            lab,
            candidate_id,
            named_values([changes], "CHANGES"),
            reason=reason,
            campaign_id=campaign_id,
        )
    _tell(state, "edited and approved", [candidate_id], as_json=as_json)


def _tell(state: "CampaignState", done: str, ids: list[str], *, as_json: bool) -> None:
    from orchestrator.service.approvals import candidate_views

    left = [view.candidate_id for view in candidate_views(state) if view.waits_because]
    if as_json:
        write_json({"campaign_id": state.campaign_id, done.partition(" ")[0]: ids, "waiting": left})
        return
    write_text(f"{state.campaign_id}: {', '.join(ids)} {done}")
    if left:
        typer.echo(f"still waiting for approval: {', '.join(left)}", err=True)


def _show(views: "tuple[CandidateView, ...]") -> None:
    from rich.table import Table

    table = Table("candidate", "point", "predicted", "waits for approval because", box=None)
    for view in views:
        waits = view.waits_because or ("approved" if view.is_approved else "it does not wait")
        table.add_row(view.candidate_id, _point_text(view.point), _predicted_text(view), waits)
    console().print(table)
    if any(view.waits_because for view in views):
        typer.echo("then: athanor approve ID, athanor reject ID, athanor edit ID ...", err=True)


def _point_text(point: Mapping[str, float | str]) -> str:
    shown = [
        f"{name}={value if isinstance(value, str) else format(value, '.6g')}"
        for name, value in point.items()
        if value != 0.0
    ]
    return " ".join(shown)


def _predicted_text(view: "CandidateView") -> str:
    shown = [
        f"{name}={one.mean:.4g}±{one.sd:.2g}" if one.sd else f"{name}={one.mean:.4g}"
        for name, one in view.predictions.items()
    ]
    shown += [f"P({name} met)={chance:.2f}" for name, chance in view.chances.items()]
    if view.added_by:
        shown.append(f"own point of {view.added_by}: {view.reason}")
    return " ".join(shown) or "no model yet"
