"""What other processes do to a file of accounts; started by `multiprocessing`."""

from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from orchestrator.access.keys import KeyBook
from orchestrator.access.roles import Role, Scope
from orchestrator.errors import RequestRefused

__all__ = ["add_and_use_tokens", "demote"]


def add_and_use_tokens(path: Path, name: str, n: int, gate: Barrier, answer: Connection) -> None:
    """Open the file with others at once, make tokens, use each, and send them back.

    Args:
        path: Of the file; it may not be there yet.
        name: The account that is made; `shared` is tried as well, and one of all gets it.
        n: How many tokens.
        gate: Where all begin together.
        answer: Gets whether `shared` was ours, and the tokens.
    """
    gate.wait(60)
    book = KeyBook(path)
    book.add_account(name, Role.OPERATOR, by="test")
    try:
        book.add_account("shared", Role.VIEWER, by=name)
        is_ours = True
    except RequestRefused:
        is_ours = False
    tokens = []
    for number in range(n):
        token = book.make_token(name, label=f"no. {number}", scopes=[Scope.READ], by=name)
        who = book.principal_of(token)
        assert who is not None
        assert who.name == name
        tokens.append(token)
    answer.send((is_ours, tokens))
    answer.close()


def demote(path: Path, name: str, gate: Barrier, answer: Connection) -> None:
    """Make a viewer of an admin, as one of several at once, and say whether that was allowed."""
    book = KeyBook(path)
    gate.wait(60)
    try:
        book.set_role(name, Role.VIEWER, by="test")
        answer.send(True)
    except RequestRefused:
        answer.send(False)
    answer.close()
