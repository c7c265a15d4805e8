"""Webhooks: addresses that are told of what happens, for who administers them."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request

from orchestrator.access.records import Webhook
from orchestrator.access.roles import Principal, Scope
from orchestrator.access.webhooks import WebhookBook
from orchestrator.dashboard.api.answers import PREFIX, for_scope, refused_as
from orchestrator.dashboard.api.keyed import Key, book_of, do_once
from orchestrator.dashboard.api.models import (
    Done,
    MadeWebhook,
    NewWebhook,
    WebhookChange,
    WebhookDone,
)
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.errors import RequestRefused

__all__ = ["router"]

router = APIRouter(prefix=PREFIX, tags=["administration"])

_ADMINISTER: Final = for_scope(Scope.ADMINISTER)
Admin = Annotated[Principal, Depends(needs(Scope.ADMINISTER))]
HookId = Annotated[str, Path(max_length=50)]


@router.get("/webhooks", operation_id="webhooks", summary="Webhooks", openapi_extra=_ADMINISTER)
def webhooks(request: Request, me: Admin) -> tuple[Webhook, ...]:
    """Return every webhook without its secret: how far it was told, and why it is not."""
    return book_of(request).webhooks()


@router.post(
    "/webhooks",
    operation_id="add_webhook",
    summary="Add a webhook",
    status_code=201,
    openapi_extra=_ADMINISTER,
)
def add_webhook(request: Request, wanted: NewWebhook, me: Admin, key: Key) -> MadeWebhook:
    """Add an address that is told of what happens; its secret is in this answer and never again."""
    last = parts_of(request).live.refresh()
    begin = last if wanted.after_seq is None else wanted.after_seq
    made: list[str] = []

    def change(book: WebhookBook) -> str:
        if begin > last:
            raise RequestRefused(f"after_seq: got {begin}, the log ends with {last}")
        hook, secret = book.add_webhook(
            wanted.url, topics=wanted.topics, by=me.name, told_seq=begin
        )
        made.append(secret)
        return hook.hook_id

    hook_id, was_done = do_once(request, me, key, wanted, change)
    return MadeWebhook(
        message="the webhook is added; its secret is shown this once",
        was_done_before=was_done,
        webhook=book_of(request).webhook(hook_id),
        secret=None if was_done else made[0],
    )


@router.post(
    "/webhooks/{hook_id}",
    operation_id="switch_webhook",
    summary="Switch a webhook off or on",
    openapi_extra=_ADMINISTER,
)
def switch_webhook(
    request: Request, hook_id: HookId, wanted: WebhookChange, me: Admin, key: Key
) -> WebhookDone:
    """Switch a webhook off, or on again at once; it is told what it missed, or from now on."""
    skips_to = parts_of(request).live.refresh() if wanted.skips_missed else None

    def change(book: WebhookBook) -> str:
        with refused_as(404):
            return book.switch_webhook(
                hook_id, is_off=wanted.is_off, by=me.name, skips_to=skips_to
            ).hook_id

    _, was_done = do_once(request, me, key, wanted, change)
    message = f"the webhook is {'off' if wanted.is_off else 'on'}"
    hook = book_of(request).webhook(hook_id)
    return WebhookDone(message=message, was_done_before=was_done, webhook=hook)


@router.delete(
    "/webhooks/{hook_id}",
    operation_id="remove_webhook",
    summary="Remove a webhook",
    openapi_extra=_ADMINISTER,
)
def remove_webhook(request: Request, hook_id: HookId, me: Admin, key: Key) -> Done:
    """Remove a webhook with its secret."""

    def change(book: WebhookBook) -> str:
        with refused_as(404):
            book.remove_webhook(hook_id, by=me.name)
        return hook_id

    _, was_done = do_once(request, me, key, None, change)
    return Done(message="the webhook is removed", was_done_before=was_done)
