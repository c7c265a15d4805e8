"""The command tree, and the one place where an error becomes a message and an exit code."""

from collections.abc import Callable, Sequence
from typing import Final

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from orchestrator.cli import (
    accounts,
    add,
    alarms,
    amend,
    approve,
    audit,
    backup,
    calibrated,
    check,
    control,
    doctor,
    doubt,
    drivers,
    export,
    instruments,
    latch,
    log,
    places,
    plan,
    priority,
    propose,
    report,
    rig,
    run_campaign,
    samples,
    serve,
    service,
    simulate,
    station,
    status,
    stock,
    tasks,
)
from orchestrator.cli.options import EXIT_BAD_INPUT, EXIT_LOG_UNAVAILABLE

__all__ = ["app", "run"]

CAMPAIGNS: Final = "Campaigns"
SAFETY: Final = "Safety"
BENCH: Final = "Bench"
RESULTS: Final = "Results"
DASHBOARD: Final = "Dashboard"
MAINTENANCE: Final = "Maintenance"

_COMMANDS: Final[tuple[tuple[str, str, Callable[..., None]], ...]] = (
    (CAMPAIGNS, "run", run_campaign.run),
    (CAMPAIGNS, "check", check.check),
    (CAMPAIGNS, "propose", propose.propose),
    (CAMPAIGNS, "status", status.status),
    (CAMPAIGNS, "campaigns", status.campaigns),
    (CAMPAIGNS, "plan", plan.plan),
    (CAMPAIGNS, "pause", control.pause),
    (CAMPAIGNS, "resume", control.resume),
    (CAMPAIGNS, "candidates", approve.candidates),
    (CAMPAIGNS, "approve", approve.approve),
    (CAMPAIGNS, "reject", approve.reject),
    (CAMPAIGNS, "edit", approve.edit),
    (CAMPAIGNS, "add", add.add),
    (CAMPAIGNS, "priority", priority.priority),
    (SAFETY, "hold", control.hold),
    (SAFETY, "stop", control.stop),
    (SAFETY, "abort", control.abort),
    (SAFETY, "estop", control.estop),
    (BENCH, "station", station.station),
    (BENCH, "simulate", simulate.simulate),
    (BENCH, "simulate-fault", simulate.simulate_fault),
    (BENCH, "calibrated", calibrated.calibrated),
    (RESULTS, "result", amend.result),
    (RESULTS, "amend", amend.amend),
    (RESULTS, "retract", amend.retract),
    (RESULTS, "log", log.log),
    (RESULTS, "export", export.export),
    (RESULTS, "report", report.report),
    (DASHBOARD, "serve", serve.serve),
    (MAINTENANCE, "doctor", doctor.doctor),
    (MAINTENANCE, "backup", backup.backup),
)
"""Panel of the help, name, function; in the order of the help."""

_GROUPS: Final[tuple[tuple[str, str, typer.Typer], ...]] = (
    (SAFETY, "latch", latch.app),
    (SAFETY, "doubt", doubt.app),
    (SAFETY, "alarms", alarms.app),
    (BENCH, "rig", rig.app),
    (BENCH, "instruments", instruments.app),
    (BENCH, "drivers", drivers.app),
    (BENCH, "places", places.app),
    (BENCH, "samples", samples.app),
    (BENCH, "stock", stock.app),
    (BENCH, "tasks", tasks.app),
    (DASHBOARD, "accounts", accounts.app),
    (DASHBOARD, "tokens", accounts.token_app),
    (MAINTENANCE, "service", service.app),
    (MAINTENANCE, "audit", audit.app),
)
"""Panel of the help, name, commands below that name."""

_HELP: Final = ["-h", "--help"]

app = typer.Typer(
    name="athanor",
    help="Run closed-loop campaigns of materials composition: on the bench, simulated, or by hand.",
    epilog="Exit codes: 0 done, 2 bad input, 3 held or in doubt, 4 aborted, "
    "5 the log cannot be used now (disk full, locked).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": _HELP},
)
for _panel, _name, _function in _COMMANDS:
    app.command(_name, rich_help_panel=_panel)(_function)
for _panel, _name, _inner in _GROUPS:
    app.add_typer(_inner, name=_name, rich_help_panel=_panel)


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: Without the program's name.

    Returns:
        The exit code. What a person can put right is said on stderr, one line for each problem,
        and gives 2, or 5 if only the log cannot be used now; anything else is our mistake and
        keeps its traceback.
    """
    from orchestrator.errors import LogUnavailable
    from orchestrator.service.refusals import REFUSALS, refusal_lines

    command = get_command(app)
    _tell_no_type_of_flags(command)
    try:
        command(list(arguments), prog_name="athanor")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except REFUSALS as error:
        for line in refusal_lines(error):
            typer.echo(line, err=True)
        return EXIT_LOG_UNAVAILABLE if isinstance(error, LogUnavailable) else EXIT_BAD_INPUT
    return 0


def _tell_no_type_of_flags(command: object) -> None:
    """Keep the word ``<bool>`` out of the help: a flag takes no value that had a type."""
    if not isinstance(command, TyperCommand | TyperGroup):
        return
    context = command.make_context(
        command.name, [], resilient_parsing=True, help_option_names=_HELP
    )
    for parameter in command.get_params(context):
        if isinstance(parameter, TyperOption) and parameter.is_flag and parameter.metavar is None:
            parameter.metavar = ""
    if isinstance(command, TyperGroup):
        for inner in command.commands.values():
            _tell_no_type_of_flags(inner)
