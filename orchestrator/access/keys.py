"""How it is shown who asks: sessions of people who signed in, tokens of scripts."""

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import apsw

from drivers.clock import Clock, SystemClock
from orchestrator.access.book import AccountBook, end_sessions
from orchestrator.access.records import Session, Token
from orchestrator.access.roles import Principal, Role, Scope
from orchestrator.access.secrets import (
    digest_of,
    drawn_secret,
    is_password,
    made_token,
    token_parts,
)
from orchestrator.access.store import text_of, time_of
from orchestrator.errors import LogError, RequestRefused

__all__ = ["SESSION_IDLE_H", "SESSION_LONGEST_H", "KeyBook"]

logger = logging.getLogger(__name__)

SESSION_IDLE_H: Final = 12.0
"""A session nobody uses for so long is over, in hours: one shift."""
SESSION_LONGEST_H: Final = 7 * 24.0
"""No session lasts longer, in hours."""
_CLOCK_SLACK_H: Final = 1.0
"""How far a clock may be set back before the sessions of then are over, in hours: they would last
longer than they may."""
_NOTED_EVERY: Final = timedelta(minutes=1)
"""How exactly the last use is kept."""
_LONGEST_LABEL: Final = 100


class KeyBook(AccountBook):
    """The accounts of one laboratory with their sessions and tokens.

    Args:
        path: Of the file of accounts.
        clock: The wall clock.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        super().__init__(path, clock or SystemClock())

    def sign_in(self, name: str, password: str) -> str | None:
        """Return the secret of a new session; None if name or password is wrong.

        Args:
            name: As it was typed.
            password: As it was typed.
        """
        typed = name if name.isascii() else ""
        with self._read() as connection:
            row = connection.execute(
                "SELECT name, password FROM account WHERE name = ? AND NOT is_disabled", (typed,)
            ).fetchone()
        kept = None if row is None else row[1]
        if not is_password(kept, password) or row is None:
            return None
        with self._write() as connection:
            is_still_so = connection.execute(
                "SELECT 1 FROM account WHERE name = ? AND password = ? AND NOT is_disabled", row
            ).get
            return self._insert_session(connection, str(row[0])) if is_still_so else None

    def begin_session(self, account: str) -> str:
        """Return the secret of a new session of somebody who has shown who they are.

        Args:
            account: Its name.
        """
        with self._write() as connection:
            return self._insert_session(connection, account)

    def _insert_session(self, connection: apsw.Connection, account: str) -> str:
        secret, now = drawn_secret(), text_of(self._clock.now())
        over = text_of(self._clock.now() - timedelta(hours=SESSION_LONGEST_H))
        connection.execute("DELETE FROM session WHERE made_time < ?", (over,))
        connection.execute(
            "INSERT INTO session (digest, account, csrf, made_time, seen_time)"
            " VALUES (?, ?, ?, ?, ?)",
            (digest_of(secret), account, drawn_secret(), now, now),
        )
        return secret

    def session(self, secret: str) -> Session | None:
        """Return the session of a secret; None if there is none, or it is over.

        Args:
            secret: As the cookie says it.
        """
        digest, now = digest_of(secret), self._clock.now()
        with self._read() as connection:
            row = connection.execute(
                "SELECT account.name, role, csrf, session.made_time, seen_time FROM session"
                " JOIN account ON account.name = session.account"
                " WHERE digest = ? AND NOT is_disabled",
                (digest,),
            ).fetchone()
        if row is None:
            return None
        session = Session(
            account=row[0],
            role=Role(row[1]),
            csrf=row[2],
            made_time=datetime.fromisoformat(row[3]),
            seen_time=datetime.fromisoformat(row[4]),
        )
        idle_h = (now - session.seen_time).total_seconds() / 3600.0
        lasted_h = (now - session.made_time).total_seconds() / 3600.0
        if idle_h > SESSION_IDLE_H or not -_CLOCK_SLACK_H <= lasted_h <= SESSION_LONGEST_H:
            self.sign_out(secret)
            return None
        if abs(now - session.seen_time) > _NOTED_EVERY:
            self._note_use("UPDATE session SET seen_time = ? WHERE digest = ?", now, digest)
        return session

    def sign_out(self, secret: str) -> None:
        """End a session; one that is over already stays so."""
        with self._write() as connection:
            connection.execute("DELETE FROM session WHERE digest = ?", (digest_of(secret),))

    def make_token(
        self,
        account: str,
        *,
        label: str,
        scopes: Sequence[Scope],
        by: str,
        lasts_days: float | None = None,
    ) -> str:
        """Return a token; it is shown this once.

        Args:
            account: Whose; what it may do is never more than that account may.
            label: What it is for.
            scopes: At least one.
            by: Who makes it.
            lasts_days: None is until it is revoked.

        Raises:
            RequestRefused: There is no such account, it may not do all of the scopes, there is no
                label, or the time is not positive.
        """
        owner = self.account(account)
        more = [scope for scope in scopes if scope not in owner.role.scopes]
        if more or not scopes:
            given = ", ".join(more) or "no scope"
            allowed = ", ".join(sorted(owner.role.scopes))
            raise RequestRefused(f"token: got {given}, {owner.name} may: {allowed}")
        if not 0 < len(label.strip()) <= _LONGEST_LABEL:
            raise RequestRefused(f"token: got the label {label!r}, expected what it is for")
        if lasts_days is not None and not 0 < lasts_days <= 3650:
            raise RequestRefused(f"token: got {lasts_days} days, expected more than 0, up to 3650")
        token, now = made_token(), self._clock.now()
        until = None if lasts_days is None else text_of(now + timedelta(days=lasts_days))
        kept = json.dumps(sorted(str(scope) for scope in set(scopes)))
        with self._write() as connection:
            connection.execute(
                "INSERT INTO token (token_id, account, label, scopes, digest, made_time, made_by,"
                " expires_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    token.token_id,
                    owner.name,
                    label.strip(),
                    kept,
                    token.digest,
                    text_of(now),
                    by,
                    until,
                ),
            )
            about = f"{token.token_id} ({label.strip()}) of {owner.name}: {', '.join(scopes)}"
            self._note(connection, now, by=by, what="token made", about=about)
        return token.text

    def tokens(self) -> tuple[Token, ...]:
        """Return every token without its secret, in the order in which they were made."""
        with self._read() as connection:
            rows = list(
                connection.execute(
                    "SELECT token_id, account, label, scopes, made_time, made_by, expires_time,"
                    " last_used_time, is_revoked FROM token ORDER BY made_time, token_id"
                )
            )
        return tuple(_token(*row) for row in rows)

    def revoke(self, token_id: str, *, by: str) -> Token:
        """Make a token worthless; if one can sign in with it, end the sessions of its account.

        Whoever had it may have signed in with it; nobody stays signed in who may be that one.

        Args:
            token_id: Which; or all of the token, whose secret is not repeated to anybody.
            by: Who revokes it.

        Raises:
            RequestRefused: There is no such token.
        """
        whole = token_parts(token_id)
        token_id = token_id if whole is None else whole[0]
        found = next((one for one in self.tokens() if one.token_id == token_id), None)
        if found is None:
            raise RequestRefused(f"no token {token_id!r}")
        may_sign_in = self.account(found.account).role.scopes <= {*found.scopes}
        with self._write() as connection:
            connection.execute("UPDATE token SET is_revoked = 1 WHERE token_id = ?", (token_id,))
            if may_sign_in:
                end_sessions(connection, found.account)
            about = f"{token_id} ({found.label}) of {found.account}"
            self._note(connection, self._clock.now(), by=by, what="token revoked", about=about)
        return found.model_copy(update={"is_revoked": True})

    def principal_of(self, text: str) -> Principal | None:
        """Return who a token stands for; None if it is worthless.

        Args:
            text: All of it, as a request brings it.
        """
        parts = token_parts(text)
        if parts is None:
            return None
        now = self._clock.now()
        with self._read() as connection:
            row = connection.execute(
                "SELECT account.name, role, scopes, expires_time, last_used_time FROM token"
                " JOIN account ON account.name = token.account"
                " WHERE token_id = ? AND digest = ? AND NOT is_revoked AND NOT is_disabled",
                parts,
            ).fetchone()
        if row is None:
            return None
        expires, used = time_of(row[3]), time_of(row[4])
        if expires is not None and now >= expires:
            return None
        if used is None or abs(now - used) > _NOTED_EVERY:
            self._note_use("UPDATE token SET last_used_time = ? WHERE token_id = ?", now, parts[0])
        only = [Scope(scope) for scope in json.loads(row[2])]
        return Principal.of_role(row[0], Role(row[1]), "token", only)

    def _note_use(self, statement: str, now: datetime, of: str) -> None:
        """Keep when a key was used last; a stop must get through where a disk takes nothing."""
        try:
            with self._write() as connection:
                connection.execute(statement, (text_of(now), of))
        except LogError as error:
            logger.warning("the last use of a key cannot be kept: %s", error)


def _token(*row: str | int | None) -> Token:
    token_id, account, label, scopes, made_time, made_by, expires, used, is_revoked = row
    return Token(
        token_id=str(token_id),
        account=str(account),
        label=str(label),
        scopes=tuple(Scope(scope) for scope in json.loads(str(scopes))),
        made_time=datetime.fromisoformat(str(made_time)),
        made_by=str(made_by),
        expires_time=None if expires is None else datetime.fromisoformat(str(expires)),
        last_used_time=None if used is None else datetime.fromisoformat(str(used)),
        is_revoked=bool(is_revoked),
    )
