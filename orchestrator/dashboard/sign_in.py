"""Signing in and out, one's own password, and the theme."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from orchestrator.access.roles import Principal, Scope
from orchestrator.dashboard.act_routes import local_path
from orchestrator.dashboard.identity import cookie_name, identify, needs
from orchestrator.dashboard.parts import DashboardParts, parts_of
from orchestrator.dashboard.rate import remember_sign_in, slow_down_sign_in
from orchestrator.dashboard.rendering import page, tell_next_page
from orchestrator.dashboard.threads import pools_of
from orchestrator.errors import NotPermitted, RequestRefused

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_THEMES: Final = ("auto", "dark", "light")
_A_YEAR_S: Final = 365 * 24 * 3600


@router.get("/login")
async def login_page(request: Request, next: str = "/") -> Response:
    """Ask who somebody is; who has said it already goes on."""
    if await identify(request) is not None:
        return RedirectResponse(local_path(next), status_code=303)
    return page(request, "login.html", {"next": local_path(next), "problem": "", "name": ""})


@router.post("/login")
async def login(
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=300)] = "",
    token: Annotated[str, Form(max_length=300)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Begin a session, by name and password or by a token."""
    parts = parts_of(request)
    slow_down_sign_in(request, name)
    secret = await pools_of(request).passwords.run(
        _begun, parts, name.strip(), password, token.strip()
    )
    if secret is None:
        await identify(request)
        problem = "The name or the password is wrong, or the token is worthless."
        context = {"next": local_path(next), "problem": problem, "name": name}
        return page(request, "login.html", context, status=403)
    remember_sign_in(request, name)
    answer = RedirectResponse(local_path(next), status_code=303)
    answer.set_cookie(
        cookie_name(is_secure=parts.is_secure),
        secret,
        httponly=True,
        samesite="strict",
        secure=parts.is_secure,
        path="/",
    )
    return answer


def _begun(parts: DashboardParts, name: str, password: str, token: str) -> str | None:
    """Return the secret of a new session; None if nobody has shown who they are."""
    if not token:
        return parts.keys.sign_in(name, password)
    who = parts.keys.principal_of(token)
    if who is None or who.scopes != who.role.scopes:
        return None
    return parts.keys.begin_session(who.name)


@router.post("/logout")
async def logout(
    request: Request, me: Annotated[Principal, Depends(needs(Scope.READ))]
) -> Response:
    """End the session."""
    parts = parts_of(request)
    name = cookie_name(is_secure=parts.is_secure)
    await run_in_threadpool(parts.keys.sign_out, request.cookies.get(name, ""))
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(name, path="/", secure=parts.is_secure)
    return answer


@router.post("/password")
async def change_password(
    request: Request,
    me: Annotated[Principal, Depends(needs(Scope.READ))],
    password: Annotated[str, Form(max_length=300)],
    again: Annotated[str, Form(max_length=300)],
    old: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Change one's own password, and sign in again with it."""
    parts = parts_of(request)
    if password != again:
        raise RequestRefused("password: the two are not the same")
    slow_down_sign_in(request, me.name)
    await pools_of(request).passwords.run(_changed, parts, me, old, password)
    answer = RedirectResponse("/login", status_code=303)
    tell_next_page(answer, "The password is changed; sign in.", is_secure=parts.is_secure)
    return answer


def _changed(parts: DashboardParts, me: Principal, old: str, password: str) -> None:
    if me.scopes != me.role.scopes:
        raise NotPermitted(me.name, "changing the password", "of the whole role")
    has_one = parts.keys.account(me.name).has_password
    if has_one and parts.keys.sign_in(me.name, old) is None:
        raise RequestRefused("password: the old one is wrong")
    parts.keys.set_password(me.name, password, by=me.name)
    parts.tell_changes()


@router.post("/theme")
async def theme(
    request: Request,
    theme: Annotated[str, Form(max_length=10)],
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Choose dark or light."""
    answer = RedirectResponse(local_path(next), status_code=303)
    chosen = theme if theme in _THEMES else "auto"
    answer.set_cookie(
        "athanor-theme",
        chosen,
        max_age=_A_YEAR_S,
        samesite="strict",
        httponly=True,
        secure=parts_of(request).is_secure,
    )
    return answer
