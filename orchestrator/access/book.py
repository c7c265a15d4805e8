"""Accounts: who there is, what they may do, and that somebody is left who may change it."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw

from drivers.clock import Clock, SystemClock
from orchestrator.access.changes import ChangeTrail
from orchestrator.access.records import Account
from orchestrator.access.roles import Role
from orchestrator.access.secrets import hash_password
from orchestrator.access.store import text_of
from orchestrator.errors import RequestRefused

__all__ = ["AccountBook", "end_sessions"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._@-]{0,63}")
_NOT_PEOPLE: Final = frozenset(
    {
        "alarms",
        "athanor",
        "dashboard",
        "engine",
        "planner",
        "root",
        "server",
        "station",
        "supervisor",
        "watchdog",
    }
)
"""Names under which our own processes write into the log."""


class AccountBook(ChangeTrail):
    """The accounts of one laboratory.

    Args:
        path: Of the file; `orchestrator.access.store.access_path` says which belongs to a log.
        clock: The wall clock.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        super().__init__(path)
        self._clock = clock or SystemClock()

    def accounts(self) -> tuple[Account, ...]:
        """Return every account, by name."""
        with self._read() as connection:
            rows = connection.execute(
                "SELECT name, role, password IS NOT NULL, is_disabled, made_time, made_by"
                " FROM account ORDER BY name"
            )
            return tuple(_account(*row) for row in rows)

    def account(self, name: str) -> Account:
        """Return one account.

        Raises:
            RequestRefused: There is none of this name.
        """
        found = [one for one in self.accounts() if one.name.lower() == name.lower()]
        if not found:
            raise RequestRefused(f"no account {name!r}")
        return found[0]

    def add_account(
        self, name: str, role: Role, *, by: str, password: str | None = None
    ) -> Account:
        """Make an account.

        Args:
            name: As it will stand in the log.
            role: What it may do.
            by: Who makes it.
            password: None makes one that is used with tokens alone.

        Raises:
            RequestRefused: The name is taken, no name of a person, or the password is too weak.
        """
        if _NAME.fullmatch(name) is None:
            raise RequestRefused(
                f"account: got {name!r}, expected a letter, then letters, digits or . _ @ -, "
                "64 at most"
            )
        if name.lower() in _NOT_PEOPLE:
            raise RequestRefused(f"account: got {name!r}, a name of Athanor's own processes")
        kept = None if password is None else hash_password(name, password)
        with self._write() as connection:
            if connection.execute("SELECT 1 FROM account WHERE name = ?", (name,)).get:
                raise RequestRefused(f"account: there is a {name!r} already")
            connection.execute(
                "INSERT INTO account (name, role, password, made_time, made_by)"
                " VALUES (?, ?, ?, ?, ?)",
                (name, str(role), kept, text_of(self._clock.now()), by),
            )
            self._note(
                connection, self._clock.now(), by=by, what="account made", about=f"{name} ({role})"
            )
        return self.account(name)

    def set_password(self, name: str, password: str, *, by: str) -> None:
        """Change a password; whoever is signed in with the old one is signed out.

        Args:
            name: Of the account.
            password: The new one.
            by: Who changes it.

        Raises:
            RequestRefused: There is no such account, or the password is too weak.
        """
        account = self.account(name)
        kept = hash_password(account.name, password)
        with self._write() as connection:
            connection.execute("UPDATE account SET password = ? WHERE name = ?", (kept, name))
            end_sessions(connection, account.name)
            self._note(
                connection, self._clock.now(), by=by, what="password changed", about=account.name
            )

    def set_role(self, name: str, role: Role, *, by: str) -> None:
        """Change what an account may do, and end its sessions: nobody is promoted by the way.

        Args:
            name: Of the account.
            role: What it may do from now on.
            by: Who changes it.

        Raises:
            RequestRefused: There is no such account, or no admin would be left.
        """
        account = self.account(name)
        with self._write() as connection:
            connection.execute("UPDATE account SET role = ? WHERE name = ?", (str(role), name))
            end_sessions(connection, account.name)
            _refuse_without_admin(connection, account.name)
            about = f"{account.name} (from {account.role} to {role})"
            self._note(connection, self._clock.now(), by=by, what="role changed", about=about)

    def set_disabled(self, name: str, *, is_disabled: bool, by: str) -> None:
        """Shut an account out, or let it in again; nobody stays signed in with it.

        Args:
            name: Of the account.
            is_disabled: Whether it is shut out.
            by: Who does it.

        Raises:
            RequestRefused: There is no such account, or no admin would be left.
        """
        account = self.account(name)
        with self._write() as connection:
            connection.execute(
                "UPDATE account SET is_disabled = ? WHERE name = ?", (int(is_disabled), name)
            )
            end_sessions(connection, account.name)
            _refuse_without_admin(connection, account.name)
            what = "account shut out" if is_disabled else "account let in again"
            self._note(connection, self._clock.now(), by=by, what=what, about=account.name)


def _account(*row: object) -> Account:
    name, role, has_password, is_disabled, made_time, made_by = row
    return Account(
        name=str(name),
        role=Role(str(role)),
        has_password=bool(has_password),
        is_disabled=bool(is_disabled),
        made_time=datetime.fromisoformat(str(made_time)),
        made_by=str(made_by),
    )


def end_sessions(connection: apsw.Connection, name: str) -> None:
    """End every session of an account.

    Args:
        connection: In a transaction.
        name: Of the account.
    """
    connection.execute("DELETE FROM session WHERE account = ? COLLATE NOCASE", (name,))


def _refuse_without_admin(connection: apsw.Connection, name: str) -> None:
    """Refuse what leaves nobody to administer, before it is committed.

    Raises:
        RequestRefused: No account is an admin that is not disabled.
    """
    n_left = connection.execute(
        "SELECT count(*) FROM account WHERE role = 'admin' AND NOT is_disabled"
    ).get
    if not n_left:
        raise RequestRefused(f"{name} is the last admin: make another one first")
