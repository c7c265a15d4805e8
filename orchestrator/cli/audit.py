"""``athanor audit``: whether the log is what it was."""

import json

import typer

from orchestrator.cli.options import (
    EXIT_BAD_INPUT,
    DatabaseOption,
    JsonOption,
    lab_of,
    messages,
    write_text,
)

__all__ = ["app", "verify"]

app = typer.Typer(help="Check that the log is what it was.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Check that the log is what it was."""


@app.command()
def verify(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Recompute the hash of every record, compare the chain, and check the rest of the file.

    Ends with 2 if a record was changed, lost or put in, or if a table beside the records is not
    what it was.

    Example: athanor audit verify --database lab.db
    """
    from rich.progress import Progress

    screen = messages()
    with (
        lab_of(database) as lab,
        Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress,
    ):
        task = progress.add_task("records", total=lab.last_seq())
        found = lab.verify(lambda n: progress.update(task, completed=n))
    is_whole = found.is_whole
    if as_json:
        facts = {
            "is_whole": is_whole,
            "n_records": found.n_records,
            "first_bad_seq": found.first_bad_seq,
            "reason": found.reason,
            "damage": found.damage,
            "last_hash": found.last_hash,
        }
        write_text(json.dumps(facts, indent=1))
    elif is_whole:
        write_text(f"whole: {found.n_records} records, last hash {found.last_hash}")
    elif found.first_bad_seq is None:
        messages().print(
            f"all {found.n_records} records are whole, but the file is damaged: {found.damage}",
            style="red",
            markup=False,
            soft_wrap=True,
        )
    else:
        messages().print(
            f"record {found.first_bad_seq} is not what it was: {found.reason}; "
            f"the {found.n_records} records before it are whole",
            style="red",
            markup=False,
            soft_wrap=True,
        )
    if not is_whole:
        raise typer.Exit(EXIT_BAD_INPUT)
