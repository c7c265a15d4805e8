"""``athanor amend`` and ``retract``: results are corrected by new facts, never overwritten."""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import DatabaseOption, JsonOption, lab_of, write_json, write_text

if TYPE_CHECKING:
    from orchestrator.core.experiment import ExperimentState

__all__ = ["amend", "retract"]

_ExperimentArgument = Annotated[
    str, typer.Argument(metavar="EXPERIMENT", help="As the log names it: E0007.")
]
_CampaignOption = Annotated[
    str | None,
    typer.Option(
        "--campaign",
        metavar="CAMPAIGN_ID",
        help="Of which campaign; the only unfinished one, or the last, unless given.",
        show_default=False,
    ),
]
_ReasonOption = Annotated[str, typer.Option("--reason", help="Why; it stands in the log.")]


def amend(
    experiment_id: _ExperimentArgument,
    values: Annotated[
        list[str], typer.Argument(metavar="NAME=VALUE...", help="With its error: NAME=VALUE±SD.")
    ],
    reason: _ReasonOption,
    campaign_id: _CampaignOption = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Correct what an experiment measured, under your name; the next proposal learns from it.

    Example: athanor amend E0007 overpotential_v=0.351±0.002 --reason "wrong reference electrode"
    """
    from orchestrator.service import corrections

    amended = dict(map(corrections.amended_from, values))
    with lab_of(database) as lab:
        after = corrections.amend(
            lab, experiment_id, amended, reason=reason, campaign_id=campaign_id
        )
    _tell(after, "amended", as_json=as_json)


def retract(
    experiment_id: _ExperimentArgument,
    reason: _ReasonOption,
    campaign_id: _CampaignOption = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Take a result back, under your name: the next proposal is made without it.

    It stays in the log and in the tables, marked; `athanor amend` makes it count again.

    Example: athanor retract E0007 --reason "the wrong bottle was on the pump"
    """
    from orchestrator.service import corrections

    with lab_of(database) as lab:
        after = corrections.retract(lab, experiment_id, reason=reason, campaign_id=campaign_id)
    _tell(after, "retracted", as_json=as_json)


def _tell(experiment: "ExperimentState", done: str, *, as_json: bool) -> None:
    values = {} if experiment.observed is None else experiment.observed.observation.values
    if as_json:
        facts = {"experiment_id": experiment.experiment_id, "values": values, done: True}
        write_json({**facts, "reason": experiment.correction})
        return
    shown = ", ".join(f"{name} = {value:.6g}" for name, value in values.items())
    write_text(f"{experiment.experiment_id} is {done} ({shown}): {experiment.correction}")
