"""Changes of accounts, tokens and webhooks: under a key, by whom it is allowed, not too often."""

import logging
from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

from fastapi import Header, Request
from pydantic import BaseModel

from orchestrator.access.kept_requests import Asked, fingerprint
from orchestrator.access.roles import Principal
from orchestrator.access.webhooks import WebhookBook
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rate import slow_down

__all__ = ["Key", "book_of", "do_once"]

logger = logging.getLogger(__name__)

_KEY_TEXT: Final = "New for each request; the same one when you ask again without an answer."

Key: TypeAlias = Annotated[
    str,
    Header(
        alias="idempotency-key",
        min_length=8,
        max_length=128,
        pattern=r"^[A-Za-z0-9._:-]+$",
        description=_KEY_TEXT,
    ),
]


def book_of(request: Request) -> WebhookBook:
    """Return the accounts, tokens and webhooks of the laboratory."""
    parts = parts_of(request)
    return WebhookBook(parts.keys.path, parts.clock)


def do_once(
    request: Request,
    me: Principal,
    key: str,
    said: BaseModel | None,
    change: Callable[[WebhookBook], str],
) -> tuple[str, bool]:
    """Make a change under a key, and return what it is about and whether it was made before.

    Args:
        request: Its method and path say what is asked.
        me: Who asks.
        key: The idempotency key.
        said: The body; secrets in it are not kept.
        change: Makes the change with the book, and returns the name of what it is about.

    Raises:
        TooOften: Who asks has changed too much lately.
        RequestRefused: The key was used for something else, or the change is refused.
    """
    slow_down(request, me.name)
    what = f"{request.method} {request.url.path}"
    fields = {} if said is None else said.model_dump(mode="json")
    book = book_of(request)
    asked = Asked(key, me.name, fingerprint(what, fields))
    subject, was_done = book.once(asked, lambda: change(book))
    if not was_done:
        logger.info("%s: %s, about %s", me.name, what, subject)
    parts_of(request).tell_changes()
    return subject, was_done
