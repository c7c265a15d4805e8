"""Accounts, tokens and webhooks for who administers them; each change as the API makes it."""

from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import RedirectResponse, Response

from orchestrator.access.roles import Principal, Role, Scope
from orchestrator.dashboard.act_forms import problems_of
from orchestrator.dashboard.api import account_routes, webhook_routes
from orchestrator.dashboard.api.keyed import book_of
from orchestrator.dashboard.api.models import (
    AccountChange,
    NewAccount,
    NewToken,
    NewWebhook,
    WebhookChange,
)
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rendering import page, tell_next_page
from orchestrator.errors import RequestRefused

__all__ = ["model_of", "router"]

router = APIRouter(include_in_schema=False)

Admin = Annotated[Principal, Depends(needs(Scope.ADMINISTER))]
Key = Annotated[str, Form(min_length=8, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
Text = Annotated[str, Form(max_length=2000)]
Topics: Final = ("campaign", "lab", "alarms", "tasks")

M = TypeVar("M", bound=BaseModel)


def model_of(kind: type[M], **fields: object) -> M:
    """Return what the API wants, from a form's fields; what is empty is not given.

    Raises:
        RequestRefused: A field is wrong; each is named.
    """
    given = {name: value for name, value in fields.items() if value not in ("", None)}
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise RequestRefused("\n".join(problems_of(error))) from error


@router.get("/admin", name="admin")
def admin(request: Request, me: Admin) -> Response:
    """Show accounts, tokens and webhooks."""
    book = book_of(request)
    context = {
        "accounts": book.accounts(),
        "tokens": book.tokens()[::-1],
        "webhooks": book.webhooks(),
        "roles": list(Role),
        "scopes": list(Scope),
        "topics": Topics,
    }
    return page(request, "admin.html", context)


@router.post("/admin/accounts", name="admin_add_account")
def add_account(
    request: Request, me: Admin, key: Key, name: Text, role: Text, password: Text = ""
) -> Response:
    """Make an account; without a password it is used with tokens alone."""
    wanted = model_of(NewAccount, name=name.strip(), role=role, password=password)
    return _told(request, account_routes.add_account(request, wanted, me, key).message)


@router.post("/admin/accounts/{name}", name="admin_change_account")
def change_account(
    request: Request, name: str, me: Admin, key: Key, what: Text, password: Text = ""
) -> Response:
    """Change a role or a password, shut an account out, or let it in again."""
    changes: dict[str, object] = {
        "shut": {"is_disabled": True},
        "open": {"is_disabled": False},
        "password": {"password": password},
        **{str(role): {"role": role} for role in Role},
    }
    change = changes.get(what)
    if not isinstance(change, dict) or (what == "password" and not password):
        raise RequestRefused(f"what: got {what[:40]!r}, expected one of {', '.join(changes)}")
    wanted = model_of(AccountChange, **change)
    return _told(request, account_routes.change_account(request, name, wanted, me, key).message)


@router.post("/admin/tokens", name="admin_make_token")
def make_token(  # noqa: PLR0917 - each is a field of the form
    request: Request,
    me: Admin,
    key: Key,
    account: Text,
    label: Text,
    scopes: Annotated[list[str] | None, Form()] = None,
    lasts_days: Text = "",
) -> Response:
    """Make a token, and show its secret this once."""
    wanted = model_of(
        NewToken, account=account, label=label.strip(), scopes=scopes or (), lasts_days=lasts_days
    )
    made = account_routes.make_token(request, wanted, me, key)
    how = "Authorization: Bearer TOKEN"
    return _secret(request, f"A token of {made.token.account}", made.message, made.secret, how)


@router.post("/admin/tokens/{token_id}", name="admin_revoke_token")
def revoke_token(request: Request, token_id: str, me: Admin, key: Key) -> Response:
    """Make a token worthless at once."""
    return _told(request, account_routes.revoke_token(request, token_id, me, key).message)


@router.post("/admin/webhooks", name="admin_add_webhook")
def add_webhook(
    request: Request,
    me: Admin,
    key: Key,
    url: Text,
    topics: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Add an address that is told of what happens, and show its secret this once."""
    wanted = model_of(NewWebhook, url=url.strip(), topics=topics or ())
    made = webhook_routes.add_webhook(request, wanted, me, key)
    how = "It signs each delivery: header Athanor-Signature."
    return _secret(request, f"The webhook {made.webhook.url}", made.message, made.secret, how)


@router.post("/admin/webhooks/{hook_id}", name="admin_switch_webhook")
def switch_webhook(request: Request, hook_id: str, me: Admin, key: Key, what: Text) -> Response:
    """Switch a webhook off or on, or remove it."""
    if what == "remove":
        done = webhook_routes.remove_webhook(request, hook_id, me, key)
        return _told(request, done.message)
    if what not in ("off", "on", "on_from_now"):
        raise RequestRefused(f"what: got {what[:40]!r}, expected off, on, on_from_now or remove")
    wanted = WebhookChange(is_off=what == "off", skips_missed=what == "on_from_now")
    return _told(request, webhook_routes.switch_webhook(request, hook_id, wanted, me, key).message)


def _told(request: Request, message: str) -> Response:
    answer = RedirectResponse("/admin", status_code=303)
    tell_next_page(answer, message, is_secure=parts_of(request).is_secure)
    return answer


def _secret(request: Request, what: str, message: str, secret: str | None, how: str) -> Response:
    context = {"what": what, "message": message, "secret": secret, "how": how}
    return page(request, "secret.html", context)
