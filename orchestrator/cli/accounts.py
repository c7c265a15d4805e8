"""``athanor accounts`` and ``athanor tokens``: who may use the dashboard and the API."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import (
    DatabaseOption,
    JsonOption,
    console,
    is_alone,
    settings_of,
    write_json,
    write_text,
)
from orchestrator.cli.serve import key_book

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.access.keys import KeyBook
    from orchestrator.access.roles import Role

__all__ = [
    "accounts",
    "add",
    "add_token",
    "app",
    "list_accounts",
    "list_tokens",
    "open_again",
    "password",
    "revoke",
    "set_role",
    "shut",
    "token_app",
    "tokens",
]

app = typer.Typer(
    help="Show who may use the dashboard, make and change accounts.", invoke_without_command=True
)
token_app = typer.Typer(
    help="Show the keys of scripts, make and revoke them.", invoke_without_command=True
)

_NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="As it stands in the log.")]
_StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
]


@app.callback()
def accounts(
    context: typer.Context, as_json: JsonOption = False, database: DatabaseOption = None
) -> None:
    """Show who may use the dashboard, make and change accounts."""
    if is_alone(context, as_json=as_json, database=database):
        list_accounts(as_json, database)


@app.command("list")
def list_accounts(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """Show every account.

    Example: athanor accounts list --json
    """
    found = _keys(database).accounts()
    if as_json:
        write_json([one.model_dump(mode="json") for one in found])
        return
    if not found:
        write_text("no account; `athanor serve` makes the first, or: athanor accounts add NAME")
        return
    from rich.table import Table

    table = Table("account", "role", "password", "state", "made by")
    for one in found:
        state = "shut out" if one.is_disabled else "open"
        table.add_row(
            one.name, str(one.role), "yes" if one.has_password else "no", state, one.made_by
        )
    console().print(table)


@app.command()
def add(
    name: _NameArgument,
    role: Annotated[
        str, typer.Option("--role", help="viewer looks, operator acts, admin makes accounts.")
    ] = "viewer",
    password_stdin: _StdinOption = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For a program that only uses tokens.")
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Make an account; the password is asked for twice.

    Example: athanor accounts add ada --role operator
    """
    password = None if no_password else _password(from_stdin=password_stdin)
    settings = settings_of(database)
    made = _keys(database).add_account(name, _role(role), by=settings.actor, password=password)
    _tell(database)
    write_text(f"{made.name} is now an account: {made.role}")


@app.command()
def password(
    name: _NameArgument, password_stdin: _StdinOption = False, database: DatabaseOption = None
) -> None:
    """Change a password; whoever is signed in with the old one is signed out.

    Example: athanor accounts password ada
    """
    keys = _keys(database)
    keys.account(name)
    new = _password(from_stdin=password_stdin)
    keys.set_password(name, new, by=settings_of(database).actor)
    _tell(database)
    write_text(f"{name} has another password")


@app.command("role")
def set_role(
    name: _NameArgument,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="viewer, operator or admin.")],
    database: DatabaseOption = None,
) -> None:
    """Change what an account may do.

    Example: athanor accounts role ada admin
    """
    _keys(database).set_role(name, _role(role), by=settings_of(database).actor)
    _tell(database)
    write_text(f"{name} is now {role}")


@app.command()
def shut(name: _NameArgument, database: DatabaseOption = None) -> None:
    """Shut an account out: its sessions and tokens are worthless until it is opened again.

    Example: athanor accounts shut bob
    """
    _keys(database).set_disabled(name, is_disabled=True, by=settings_of(database).actor)
    _tell(database)
    write_text(f"{name} is shut out")


@app.command("open")
def open_again(name: _NameArgument, database: DatabaseOption = None) -> None:
    """Let an account in again.

    Example: athanor accounts open bob
    """
    _keys(database).set_disabled(name, is_disabled=False, by=settings_of(database).actor)
    _tell(database)
    write_text(f"{name} is open again")


@token_app.callback()
def tokens(
    context: typer.Context, as_json: JsonOption = False, database: DatabaseOption = None
) -> None:
    """Show the keys of scripts, make and revoke them."""
    if is_alone(context, as_json=as_json, database=database):
        list_tokens(as_json, database)


@token_app.command("list")
def list_tokens(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """Show every token, without its secret.

    Example: athanor tokens list --json
    """
    found = _keys(database).tokens()
    if as_json:
        write_json([one.model_dump(mode="json") for one in found])
        return
    if not found:
        write_text('no token; make one: athanor tokens add ACCOUNT --label "..." --scope read')
        return
    from rich.table import Table

    table = Table("token", "account", "label", "scopes", "until", "last used")
    for one in found:
        until = "revoked" if one.is_revoked else str(one.expires_time or "revoked by hand")[:16]
        used = str(one.last_used_time or "never")[:16]
        scopes = ", ".join(one.scopes)
        table.add_row(one.token_id, one.account, one.label, scopes, until, used)
    console().print(table)


@token_app.command("add")
def add_token(
    account: Annotated[
        str, typer.Argument(metavar="ACCOUNT", help="Whose; never more than it may.")
    ],
    label: Annotated[str, typer.Option("--label", help="What it is for.")],
    scope: Annotated[
        list[str],
        typer.Option("--scope", help="read, results, control or administer; again for more."),
    ],
    days: Annotated[
        float | None,
        typer.Option("--days", help="How long it is good; until revoked if not given."),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Make a token for a script; it is shown this once.

    Example: athanor tokens add lims --label "LIMS reads results" --scope read --days 365
    """
    from orchestrator.access.roles import Scope
    from orchestrator.errors import RequestRefused

    known = ", ".join(Scope)
    wrong = [one for one in scope if one not in list(Scope)]
    if wrong:
        raise RequestRefused(f"--scope: got {', '.join(wrong)}, expected of {known}")
    text = _keys(database).make_token(
        account,
        label=label,
        scopes=[Scope(one) for one in scope],
        by=settings_of(database).actor,
        lasts_days=days,
    )
    _tell(database)
    write_text(text)
    typer.echo("shown only now; send it as: Authorization: Bearer TOKEN", err=True)


@token_app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="As `athanor tokens` lists it.")],
    database: DatabaseOption = None,
) -> None:
    """Make a token worthless.

    Example: athanor tokens revoke 1f2e3d4c5b6a
    """
    revoked = _keys(database).revoke(token_id, by=settings_of(database).actor)
    _tell(database)
    write_text(f"{revoked.token_id} ({revoked.label}) is worthless now")


def _keys(database: "Path | None") -> "KeyBook":
    return key_book(settings_of(database))


def _tell(database: "Path | None") -> None:
    """Have what was changed stand in the laboratory's log, if there is one and it can be written.

    A change stands in any case; the dashboard writes it down later.
    """
    from orchestrator.errors import LogError
    from orchestrator.service.access_trail import tell_changes
    from orchestrator.service.lab import Lab

    settings = settings_of(database)
    if not settings.database.exists():
        return
    try:
        tell_changes(
            _keys(database),
            lambda name, acting: Lab.open(settings.model_copy(update={"actor": name}), acting),
        )
    except LogError as error:
        typer.echo(f"changed; the log will hear of it later: {error}", err=True)


def _role(text: str) -> "Role":
    from orchestrator.access.roles import Role
    from orchestrator.errors import RequestRefused

    if text not in list(Role):
        raise RequestRefused(f"--role: got {text!r}, expected viewer, operator or admin")
    return Role(text)


def _password(*, from_stdin: bool) -> str:
    """Ask for a password twice, or read it from stdin.

    Raises:
        RequestRefused: The two are not the same, or there is no terminal to ask at.
    """
    from orchestrator.errors import RequestRefused

    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise RequestRefused("password: got no terminal to ask at, expected --password-stdin")
    first = typer.prompt("password", hide_input=True)
    if first != typer.prompt("again", hide_input=True):
        raise RequestRefused("password: the two are not the same")
    return str(first)
