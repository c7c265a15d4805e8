"""Changes to accounts, tokens and webhooks that are done once, however often they are asked for.

The key of a request is kept in the same transaction as what it changed. What was made is named
again to whoever repeats it; a secret is not: it was shown once.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import local
from typing import Final

import apsw
from typing_extensions import override

from drivers.clock import Clock
from orchestrator.access.keys import KeyBook
from orchestrator.access.store import text_of
from orchestrator.errors import RequestRefused

__all__ = ["Asked", "OnceBook", "fingerprint"]

_KEY: Final = re.compile(r"[A-Za-z0-9._:-]{8,128}")
_KEPT: Final = timedelta(days=30)
"""A key is good for so long; nobody repeats a request after that."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request under its key."""

    key: str
    account: str
    """Who asks."""
    request: str
    """What makes two requests the same: `fingerprint`."""


def fingerprint(what: str, fields: Mapping[str, object]) -> str:
    """Return what makes two requests the same.

    Args:
        what: The name of the request.
        fields: All that it says, as JSON has it.
    """
    said = json.dumps({"request": what, **fields}, sort_keys=True, default=str)
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


class OnceBook(KeyBook):
    """A book of accounts whose changes can be asked for under a key.

    Args:
        path: Of the file of accounts.
        clock: The wall clock.
    """

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._held = local()
        super().__init__(path, clock)

    def once(self, asked: Asked, change: Callable[[], str]) -> tuple[str, bool]:
        """Make a change, unless it was made under this very key.

        Args:
            asked: The request.
            change: Makes it with this book, in one transaction with the key, and returns the name
                of what it is about.

        Returns:
            What it is about, and whether it had been done before.

        Raises:
            RequestRefused: The key is none, or was used for something else; or `change` refuses.
        """
        if _KEY.fullmatch(asked.key) is None:
            raise RequestRefused(
                f"idempotency key: got {asked.key[:140]!r}, expected 8 to 128 letters, digits or "
                ". _ : -"
            )
        with self._one_transaction() as connection:
            row = connection.execute(
                "SELECT account, request, subject FROM kept_request WHERE key = ?", (asked.key,)
            ).fetchone()
            if row is not None:
                if (row[0], row[1]) != (asked.account, asked.request):
                    raise RequestRefused(
                        f"idempotency key {asked.key}: it was used for another request; use a new "
                        "one for each"
                    )
                return str(row[2]), True
            subject = change()
            now = self._clock.now()
            connection.execute(
                "INSERT INTO kept_request (key, account, request, subject, done_time)"
                " VALUES (?, ?, ?, ?, ?)",
                (asked.key, asked.account, asked.request, subject, text_of(now)),
            )
            connection.execute(
                "DELETE FROM kept_request WHERE done_time < ?", (text_of(now - _KEPT),)
            )
            return subject, False

    @contextmanager
    def _one_transaction(self) -> Iterator[apsw.Connection]:
        """Let every reading and writing of this thread be part of one transaction."""
        with super()._write() as connection:
            self._held.connection = connection
            try:
                yield connection
            finally:
                self._held.connection = None

    @contextmanager
    @override
    def _read(self) -> Iterator[apsw.Connection]:
        held = self._joined()
        if held is not None:
            yield held
            return
        with super()._read() as connection:
            yield connection

    @contextmanager
    @override
    def _write(self) -> Iterator[apsw.Connection]:
        held = self._joined()
        if held is not None:
            yield held
            return
        with super()._write() as connection:
            yield connection

    def _joined(self) -> apsw.Connection | None:
        found: apsw.Connection | None = getattr(self._held, "connection", None)
        return found
