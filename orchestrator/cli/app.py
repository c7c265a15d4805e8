"""The command tree, and the one place where an error becomes a message and an exit code."""

from collections.abc import Sequence

import typer

from orchestrator.cli import (
    audit,
    check,
    control,
    doctor,
    export,
    log,
    propose,
    report,
    run_campaign,
    status,
)
from orchestrator.cli.options import EXIT_BAD_INPUT

__all__ = ["app", "run"]

app = typer.Typer(
    name="athanor",
    help="Run closed-loop campaigns of materials composition: on the bench, simulated, or by hand.",
    epilog="Exit codes: 0 done, 2 bad input, 3 held or in doubt, 4 aborted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("run")(run_campaign.run)
app.command("check")(check.check)
app.command("propose")(propose.propose)
app.command("status")(status.status)
app.command("campaigns")(status.campaigns)
app.command("pause")(control.pause)
app.command("resume")(control.resume)
app.command("stop")(control.stop)
app.command("abort")(control.abort)
app.command("log")(log.log)
app.command("export")(export.export)
app.command("report")(report.report)
app.add_typer(audit.app, name="audit")
app.command("doctor")(doctor.doctor)


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Args:
        arguments: Without the program's name.

    Returns:
        The exit code. What a person can put right is said on stderr, one line for each problem,
        and gives 2; anything else is our mistake and keeps its traceback.
    """
    from orchestrator.service.refusals import REFUSALS, refusal_lines

    try:
        app(list(arguments), prog_name="athanor")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except REFUSALS as error:
        for line in refusal_lines(error):
            typer.echo(line, err=True)
        return EXIT_BAD_INPUT
    return 0
