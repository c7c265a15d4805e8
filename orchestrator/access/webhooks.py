"""Webhooks: who is told of what happens, how far they have been told, and who does the telling.

What is being delivered is written down before it is sent, and that it was taken is written down
after: whatever dies in between, the same delivery is sent again under the same id.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Final
from urllib.parse import urlsplit

import apsw

from orchestrator.access.hook_urls import checked_url
from orchestrator.access.kept_requests import OnceBook
from orchestrator.access.records import Webhook
from orchestrator.access.secrets import drawn_secret
from orchestrator.access.store import text_of, time_of
from orchestrator.errors import RequestRefused

__all__ = ["HOOK_TOPICS", "WebhookBook", "is_signed", "signature_of"]

HOOK_TOPICS: Final = ("lab", "campaign", "alarms", "tasks")
"""What can be asked for."""
GIVEN_UP_AFTER: Final = timedelta(days=3)
"""A webhook that fails for so long is switched off."""
_MOST_HOOKS: Final = 50
_OLDEST_S: Final = 300.0
_LONGEST_ERROR: Final = 300
_GIVES_UP: Final = "dashboard"
"""Who stands in the log where a webhook was given up."""
_SELECT: Final = (
    "SELECT hook_id, url, topics, made_by, is_off, told_seq, sending_seq, n_failed, failed_since,"
    " next_time, last_error FROM webhook"
)


def signature_of(secret: str, time_s: int, body: bytes) -> str:
    """Return what stands in ``Athanor-Signature``.

    Args:
        secret: The webhook's.
        time_s: When it is sent, in seconds since 1970.
        body: What is sent.

    Example:
        >>> signature_of("key", 1, b"{}")[:8]
        't=1,v1=1'
    """
    signed = str(time_s).encode() + b"." + body
    return f"t={time_s},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def is_signed(
    secret: str, header: str, body: bytes, *, now_s: float, oldest_s: float = _OLDEST_S
) -> bool:
    """Tell whether a delivery was sent by who knows the secret, and not long ago.

    Args:
        secret: The webhook's.
        header: ``Athanor-Signature``.
        body: As it came, before anything reads it.
        now_s: Seconds since 1970.
        oldest_s: How old it may be, in seconds.

    Example:
        >>> header = signature_of("key", 100, b"{}")
        >>> [is_signed("key", header, body, now_s=130) for body in (b"{}", b"{ }")]
        [True, False]
    """
    time_text = header.partition(",")[0].removeprefix("t=")
    if not (time_text.isascii() and time_text.isdecimal() and len(time_text) < 16):
        return False
    expected = signature_of(secret, int(time_text), body)
    is_ours = hmac.compare_digest(header.encode("utf-8", "replace"), expected.encode())
    return is_ours and abs(now_s - int(time_text)) <= oldest_s


class WebhookBook(OnceBook):
    """The accounts of one laboratory with their webhooks.

    Args:
        path: Of the file of accounts.
        clock: The wall clock.
    """

    def add_webhook(
        self, url: str, *, topics: Sequence[str], by: str, told_seq: int
    ) -> tuple[Webhook, str]:
        """Add an address that is told of what happens, and return it with its secret.

        The secret is shown this once; it is kept to sign with.

        Args:
            url: Where to post.
            topics: Which of `HOOK_TOPICS`; none stands for all.
            by: Who adds it.
            told_seq: The record after which it begins.

        Raises:
            RequestRefused: The address may not be told, a topic is unknown, or there are too many.
        """
        kept_url = checked_url(url)
        unknown = [topic for topic in topics if topic not in HOOK_TOPICS]
        if unknown:
            expected = ", ".join(HOOK_TOPICS)
            raise RequestRefused(f"topics: got {', '.join(unknown)}, expected some of {expected}")
        hook_id, secret = token_hex(8), drawn_secret()
        kept_topics = json.dumps(sorted(set(topics)))
        with self._write() as connection:
            if connection.execute("SELECT count(*) FROM webhook").get >= _MOST_HOOKS:
                raise RequestRefused(f"webhooks: there are {_MOST_HOOKS}, no more are kept")
            connection.execute(
                "INSERT INTO webhook (hook_id, url, topics, secret, made_by, told_seq)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (hook_id, kept_url, kept_topics, secret, by, told_seq),
            )
            self._note(
                connection,
                self._clock.now(),
                by=by,
                what="webhook added",
                about=_named(kept_url, hook_id),
            )
        return self.webhook(hook_id), secret

    def webhooks(self) -> tuple[Webhook, ...]:
        """Return every webhook without its secret, in the order in which they were made."""
        with self._read() as connection:
            return tuple(_webhook(*row) for row in connection.execute(f"{_SELECT} ORDER BY rowid"))

    def webhook(self, hook_id: str) -> Webhook:
        """Return one webhook.

        Raises:
            RequestRefused: There is none of this id.
        """
        with self._read() as connection:
            row = connection.execute(f"{_SELECT} WHERE hook_id = ?", (hook_id,)).fetchone()
        if row is None:
            raise RequestRefused(f"no webhook {hook_id!r}")
        return _webhook(*row)

    def secret_of(self, hook_id: str) -> str:
        """Return what a webhook's deliveries are signed with.

        Raises:
            RequestRefused: There is none of this id.
        """
        with self._read() as connection:
            secret = connection.execute(
                "SELECT secret FROM webhook WHERE hook_id = ?", (hook_id,)
            ).get
        if secret is None:
            raise RequestRefused(f"no webhook {hook_id!r}")
        return str(secret)

    def switch_webhook(
        self, hook_id: str, *, is_off: bool, by: str, skips_to: int | None = None
    ) -> Webhook:
        """Switch a webhook off, or on again at once.

        Args:
            hook_id: Which.
            by: Who does it.
            is_off: Whether it is told nothing from now on.
            skips_to: What it missed up to this record is not delivered; None delivers all of it.

        Raises:
            RequestRefused: There is none of this id.
        """
        hook = self.webhook(hook_id)
        skipped = skips_to is not None and skips_to > hook.told_seq
        with self._write() as connection:
            connection.execute(
                "UPDATE webhook SET is_off = ?, n_failed = 0, failed_since = NULL,"
                " next_time = NULL, last_error = '' WHERE hook_id = ?",
                (int(is_off), hook_id),
            )
            if skipped:
                connection.execute(
                    "UPDATE webhook SET told_seq = ?, sending_seq = NULL WHERE hook_id = ?",
                    (skips_to, hook_id),
                )
            what = "webhook switched off" if is_off else "webhook switched on"
            about = _named(hook.url, hook_id)
            self._note(connection, self._clock.now(), by=by, what=what, about=about)
        return self.webhook(hook_id)

    def remove_webhook(self, hook_id: str, *, by: str) -> None:
        """Remove a webhook with its secret.

        Args:
            hook_id: Which.
            by: Who removes it.

        Raises:
            RequestRefused: There is none of this id.
        """
        about = _named(self.webhook(hook_id).url, hook_id)
        with self._write() as connection:
            connection.execute("DELETE FROM webhook WHERE hook_id = ?", (hook_id,))
            self._note(connection, self._clock.now(), by=by, what="webhook removed", about=about)

    def note_sending(self, hook: Webhook, sending_seq: int) -> bool:
        """Write down what is about to be delivered; False if somebody else has moved it on.

        Args:
            hook: As it was read.
            sending_seq: The last record of the delivery; it begins after `hook.told_seq`.
        """
        return self._changed(
            "sending_seq = ?", (sending_seq,), hook.hook_id, hook.told_seq, "sending_seq IS NULL"
        )

    def note_told(self, hook: Webhook, told_seq: int) -> bool:
        """Write down that everything up to a record was taken, or concerns the webhook nothing.

        Args:
            hook: As it was read.
            told_seq: The last record.

        Returns:
            False if somebody else has moved it on.
        """
        return self._changed(
            "told_seq = ?, sending_seq = NULL, n_failed = 0, failed_since = NULL,"
            " next_time = NULL, last_error = ''",
            (told_seq,),
            hook.hook_id,
            hook.told_seq,
        )

    def note_failure(self, hook: Webhook, error: str, *, wait_s: float) -> Webhook | None:
        """Write down that a delivery was not taken; after three days the webhook is switched off.

        Args:
            hook: As it was read.
            error: Why, for a person.
            wait_s: How long to wait before the next attempt, in seconds.

        Returns:
            The webhook after it; None if it is gone or somebody else has moved it on.
        """
        now = self._clock.now()
        since = hook.failed_since or now
        gives_up = now - since >= GIVEN_UP_AFTER
        said = error[:_LONGEST_ERROR]
        if gives_up:
            days = GIVEN_UP_AFTER.days
            said = f"switched off: nothing was taken for {days} days, last: {said}"
        with self._write() as connection:
            is_changed = _is_changed(
                connection,
                "n_failed = n_failed + 1, failed_since = ?, next_time = ?, last_error = ?,"
                " is_off = max(is_off, ?)",
                (text_of(since), text_of(now + timedelta(seconds=wait_s)), said, int(gives_up)),
                hook.hook_id,
                hook.told_seq,
            )
            if is_changed and gives_up and not hook.is_off:
                about = _named(hook.url, hook.hook_id)
                self._note(connection, now, by=_GIVES_UP, what="webhook given up", about=about)
        return self.webhook(hook.hook_id) if is_changed else None

    def take_lease(self, name: str, holder: str, *, lasts_s: float) -> bool:
        """Become, or stay, the only one who does something; False if somebody else is.

        Args:
            name: Of what is done.
            holder: Who asks.
            lasts_s: For how long, in seconds; whoever dies is followed after that.
        """
        now = self._clock.now()
        with self._write() as connection:
            row = connection.execute(
                "SELECT holder, until_time FROM lease WHERE name = ?", (name,)
            ).fetchone()
            is_free = row is None or row[0] == holder or datetime.fromisoformat(row[1]) <= now
            if is_free:
                connection.execute(
                    "INSERT INTO lease (name, holder, until_time) VALUES (?, ?, ?)"
                    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,"
                    " until_time = excluded.until_time",
                    (name, holder, text_of(now + timedelta(seconds=lasts_s))),
                )
            return is_free

    def give_lease_up(self, name: str, holder: str) -> None:
        """Let somebody else do it at once; nothing happens if somebody else does already."""
        with self._write() as connection:
            connection.execute("DELETE FROM lease WHERE name = ? AND holder = ?", (name, holder))

    def _changed(
        self,
        change: str,
        values: tuple[str | int, ...],
        hook_id: str,
        told_seq: int,
        condition: str = "TRUE",
    ) -> bool:
        """Change one webhook, if it is still as far as it was read."""
        with self._write() as connection:
            return _is_changed(connection, change, values, hook_id, told_seq, condition)


def _is_changed(
    connection: apsw.Connection,
    change: str,
    values: tuple[str | int, ...],
    hook_id: str,
    told_seq: int,
    condition: str = "TRUE",
) -> bool:
    """Change one webhook in a transaction, if it is still as far as it was read."""
    connection.execute(
        f"UPDATE webhook SET {change} WHERE hook_id = ? AND told_seq = ? AND {condition}",
        (*values, hook_id, told_seq),
    )
    return connection.changes() > 0


def _named(url: str, hook_id: str) -> str:
    """Return what the log may say of a webhook: its number and host, not what its path may hide."""
    return f"{hook_id} ({urlsplit(url).hostname})"


def _webhook(*row: object) -> Webhook:
    hook_id, url, topics, made_by, is_off, told, sending, n_failed, since, due, error = row
    return Webhook(
        hook_id=str(hook_id),
        url=str(url),
        topics=tuple(json.loads(str(topics))),
        made_by=str(made_by),
        is_off=bool(is_off),
        told_seq=int(str(told)),
        sending_seq=None if sending is None else int(str(sending)),
        n_failed=int(str(n_failed)),
        failed_since=time_of(None if since is None else str(since)),
        next_time=time_of(None if due is None else str(due)),
        last_error=str(error),
    )
