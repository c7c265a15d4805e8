"""``athanor doubt``: jobs of which nobody knows whether they happened, and a person's answer."""

from typing import Annotated

import typer

from orchestrator.cli.options import (
    EXIT_BAD_INPUT,
    EXIT_HELD,
    DatabaseOption,
    JsonOption,
    console,
    lab_of,
    settings_of,
    write_json,
    write_text,
)

__all__ = ["answer", "app", "list_doubts"]

app = typer.Typer(help="Look at jobs in doubt and say what became of them.", no_args_is_help=True)

_CampaignOption = Annotated[
    str | None, typer.Option("--campaign", metavar="ID", help="Only in this campaign.")
]


@app.command("list")
def list_doubts(
    campaign_id: _CampaignOption = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show every job in doubt: what was asked, what is known, what each answer would do.

    Ends with 3 if somebody has to look, with 0 if nobody has to.

    Example: athanor doubt list

    Example: athanor doubt list --json | jq '.[].answers'
    """
    from orchestrator.service.doubt_answers import open_doubts

    with lab_of(database) as lab:
        doubts = open_doubts(lab, campaign_id)
        now = lab.bench_now()
    if as_json:
        write_json([doubt.model_dump(mode="json") for doubt in doubts])
    elif doubts:
        from orchestrator.cli.lab_screens import doubt_panels

        console().print(doubt_panels(doubts, now))
        typer.echo(
            "look at the bench, then: athanor doubt answer JOB ran|did_not_run|scrap_sample "
            '--reason "..." [--resume]',
            err=True,
        )
    else:
        write_text("no job is in doubt")
    if any(doubt.needs_person for doubt in doubts):
        raise typer.Exit(EXIT_HELD)


@app.command()
def answer(
    job: Annotated[
        str, typer.Argument(metavar="JOB", help="As `athanor doubt list` shows it: E0003/tare.")
    ],
    what: Annotated[
        str, typer.Argument(metavar="ran|did_not_run|scrap_sample", help="What became of it.")
    ],
    *,
    reason: Annotated[str, typer.Option("--reason", help="What you saw; it stands in the log.")],
    campaign_id: _CampaignOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Let a campaign that waits go on with it.")
    ] = False,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Say what became of a job in doubt; the answer stands in the log under your name.

    ``ran``: it happened as asked. ``did_not_run``: nothing happened, it is sent again.
    ``scrap_sample``: the sample is given up and cleaned away.

    Example: athanor doubt answer E0003/dispense_x1 ran --reason "the syringe is empty" --resume
    """
    from orchestrator.cli.station_door import station_door
    from orchestrator.service.doubt_answers import answer_doubt
    from orchestrator.service.doubts import Answer

    if what not in list(Answer):
        expected = ", ".join(Answer)
        typer.echo(f"answer: got {what!r}, expected one of {expected}", err=True)
        raise typer.Exit(EXIT_BAD_INPUT)
    with lab_of(database) as lab:
        chosen = Answer(what)
        doubt = answer_doubt(
            lab, job, chosen, reason=reason, campaign_id=campaign_id, resumes=resume
        )
        state = lab.state(doubt.campaign_id)
        left = [other.job_id for other in lab.campaign(doubt.campaign_id).in_doubt]
    door = station_door(settings_of(database))
    if resume:
        door.end_campaign(doubt.campaign_id, "go_on", reason)
    door.wake(doubt.campaign_id)
    if as_json:
        facts = {"job": job, "answer": what, "status": str(state.status), "in_doubt": left}
        write_json({"campaign": doubt.campaign_id, **facts, "follows": doubt.answers[what]})
        return
    write_text(f"{doubt.campaign_id} {job}: {what}; {doubt.answers[what]}")
    if left:
        typer.echo(f"still in doubt: {', '.join(left)}", err=True)
    if state.status.is_waiting:
        typer.echo(
            f"{state.campaign_id} is {state.status}; go on with: "
            f"athanor resume {state.campaign_id}",
            err=True,
        )
