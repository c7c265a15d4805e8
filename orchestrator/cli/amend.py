"""``athanor result``, ``amend`` and ``retract``: new facts, nothing is ever overwritten."""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.named_values import named_values
from orchestrator.cli.options import DatabaseOption, JsonOption, lab_of, write_json, write_text

if TYPE_CHECKING:
    from orchestrator.core.experiment import ExperimentState

__all__ = ["amend", "result", "retract"]

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
_ValuesArgument = Annotated[
    list[str],
    typer.Argument(metavar="NAME=VALUE...", help="With error and unit if you like: VALUE±SD UNIT."),
]


def amend(
    experiment_id: _ExperimentArgument,
    values: _ValuesArgument,
    reason: _ReasonOption,
    campaign_id: _CampaignOption = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Correct what an experiment measured, under your name; the next proposal learns from it.

    Example: athanor amend E0007 overpotential_v=0.351±0.002 --reason "wrong reference electrode"
    """
    from orchestrator.service import corrections

    amended = corrections.amended_values(values)
    with lab_of(database) as lab:
        after = corrections.amend(
            lab, experiment_id, amended, reason=reason, campaign_id=campaign_id
        )
    _tell(after, "amended", as_json=as_json)


def result(
    experiment_id: _ExperimentArgument,
    values: _ValuesArgument,
    *,
    reason: _ReasonOption,
    made: Annotated[
        str | None,
        typer.Option(
            "--made",
            metavar="POINT",
            help="What was really made: Ni=0.71,Fe=0.29; as weighed back, or else as asked, "
            "unless given.",
            show_default=False,
        ),
    ] = None,
    campaign_id: _CampaignOption = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Give the result of an experiment that ended without one, under your name.

    For what was measured by hand after a measurement failed or an analysis was lost. A unit is
    converted to that of the name, or refused. It counts like any other result, and can be amended
    and retracted.

    Example: athanor result E0007 "overpotential_v=351±2 mV" --reason "hand-held meter"
    """
    from orchestrator.service import corrections

    given = corrections.amended_values(values)
    point = None if made is None else named_values([made], "--made")
    with lab_of(database) as lab:
        after = corrections.give_result(
            lab, experiment_id, given, reason=reason, made=point, campaign_id=campaign_id
        )
    _tell(after, "given", as_json=as_json)


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
        made = {} if experiment.observed is None else experiment.observed.observation.point
        write_json({**facts, "made": made, "reason": experiment.correction})
        return
    shown = ", ".join(f"{name} = {value:.6g}" for name, value in values.items())
    write_text(f"{experiment.experiment_id} is {done} ({shown}): {experiment.correction}")
