"""One's own account: what one may do, the password, one's own tokens."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from orchestrator.access.keys import SESSION_IDLE_H, SESSION_LONGEST_H
from orchestrator.access.roles import Principal, Scope
from orchestrator.access.secrets import LEAST_PASSWORD
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rendering import page

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/account", name="account")
def account(request: Request, me: Annotated[Principal, Depends(needs(Scope.READ))]) -> Response:
    """Show one's own account."""
    keys = parts_of(request).keys
    context = {
        "account": keys.account(me.name),
        "tokens": [one for one in keys.tokens() if one.account == me.name],
        "scopes": sorted(me.scopes),
        "least_password": LEAST_PASSWORD,
        "idle_h": SESSION_IDLE_H,
        "longest_h": SESSION_LONGEST_H,
    }
    return page(request, "account.html", context)
