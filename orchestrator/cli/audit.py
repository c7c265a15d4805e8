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
    """Recompute the hash of every record and compare the chain.

    Ends with 2 if a record was changed, lost or put in.

    Example: athanor audit verify --database lab.db
    """
    with lab_of(database) as lab:
        found = lab.verify()
    is_whole = found.first_bad_seq is None
    if as_json:
        facts = {
            "is_whole": is_whole,
            "n_records": found.n_records,
            "first_bad_seq": found.first_bad_seq,
            "reason": found.reason,
            "last_hash": found.last_hash,
        }
        write_text(json.dumps(facts, indent=1))
    elif is_whole:
        write_text(f"whole: {found.n_records} records, last hash {found.last_hash}")
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
