"""Who asks: a session's cookie or a token; and whether they may."""

import hmac
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from orchestrator.access.records import Session
from orchestrator.access.roles import Principal, Scope
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.threads import pools_of
from orchestrator.errors import NotPermitted, RequestRefused

__all__ = [
    "CSRF_FIELD",
    "CSRF_HEADER",
    "NotSignedIn",
    "WrongForm",
    "cookie_name",
    "identify",
    "me_of",
    "needs",
]

CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf-token"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BEARER: Final = "bearer "


class NotSignedIn(RequestRefused):
    """Nobody has shown who asks."""


class WrongForm(RequestRefused):
    """A form does not bring back what it was given: it is not one of ours, or it is too old."""


def cookie_name(*, is_secure: bool) -> str:
    """Return the name of the session's cookie; ``__Host-`` binds it to one host, by https alone."""
    return "__Host-athanor" if is_secure else "athanor"


def me_of(request: Request) -> Principal | None:
    """Return who asks, once `needs` has found out; None on pages that need nobody."""
    found: Principal | None = getattr(request.state, "me", None)
    return found


def needs(scope: Scope) -> Callable[[Request], Coroutine[Any, Any, Principal]]:
    """Return a dependency that lets only those in who may do something.

    Args:
        scope: What they must be allowed.
    """

    async def allowed(request: Request) -> Principal:
        """Return who asks.

        Raises:
            NotSignedIn: Nobody has shown who asks.
            NotPermitted: They may not.
            WrongForm: The form is not one that this session was given.
            LogError: The log cannot be read.
        """
        principal = await identify(request)
        if principal is None:
            raise NotSignedIn
        if not principal.may(scope):
            raise NotPermitted(principal.name, f"{request.method} {request.url.path}", scope)
        if request.method in _SAFE_METHODS:
            request.state.seen_seq = await run_in_threadpool(parts_of(request).live.refresh)
        else:
            await _refuse_foreign_form(request)
        return principal

    return allowed


async def identify(request: Request) -> Principal | None:
    """Find out who asks, and remember it for the page; None if nobody says."""
    keys = parts_of(request).keys
    request.state.me, request.state.session = None, None
    header = request.headers.get("authorization", "")
    if header:
        if header.lower().startswith(_BEARER):
            text = header[len(_BEARER) :].strip()
            request.state.me = await pools_of(request).identifying.run(keys.principal_of, text)
        return me_of(request)
    secret = request.cookies.get(cookie_name(is_secure=parts_of(request).is_secure), "")
    identifying = pools_of(request).identifying
    session = await identifying.run(keys.session, secret) if secret else None
    if session is not None:
        request.state.session = session
        request.state.me = Principal.of_role(session.account, session.role, "session")
    return me_of(request)


async def _refuse_foreign_form(request: Request) -> None:
    """Refuse a request of a session that does not bring back the session's secret.

    Raises:
        WrongForm: It does not.
    """
    session: Session | None = request.state.session
    if session is None:
        return
    brought = request.headers.get(CSRF_HEADER, "")
    if not brought and _is_form(request):
        field = (await request.form()).get(CSRF_FIELD, "")
        brought = field if isinstance(field, str) else ""
    if not hmac.compare_digest(brought.encode(), session.csrf.encode()):
        raise WrongForm


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("application/x-www-form-urlencoded", "multipart/form-data")
