"""Errors as answers: a page for people, problem details (RFC 9457) for scripts."""

import logging
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from orchestrator.dashboard.identity import NotSignedIn, WrongForm
from orchestrator.dashboard.rate import TooOften
from orchestrator.dashboard.rendering import page
from orchestrator.dashboard.security import BodyTooLarge
from orchestrator.errors import (
    LogError,
    LogUnavailable,
    NotPermitted,
    RequestRefused,
    StaleView,
)
from orchestrator.service.refusals import REFUSALS, refusal_lines

__all__ = ["add_error_handlers"]

logger = logging.getLogger(__name__)

_SCRIPTS: Final = ("/api/", "/stream", "/plots/", "/parts/")


def add_error_handlers(app: FastAPI) -> None:
    """Have an app answer every error that is raised on purpose, and hide what is not."""
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(WrongForm, _wrong_form)
    app.add_exception_handler(TooOften, _too_often)
    app.add_exception_handler(BodyTooLarge, _too_large)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for family in REFUSALS:
        app.add_exception_handler(family, _refused)
    app.add_exception_handler(Exception, _unexpected)


def _is_script(request: Request) -> bool:
    return request.url.path.startswith(_SCRIPTS)


def _answer(request: Request, status: int, title: str, lines: list[str]) -> Response:
    if _is_script(request):
        facts = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": "\n".join(lines),
        }
        return JSONResponse(facts, status_code=status, media_type="application/problem+json")
    context = {"status": status, "title": title, "lines": lines}
    return page(request, "error.html", context, status=status)


def _not_signed_in(request: Request, error: Exception) -> Response:
    if _is_script(request):
        lines = ["sign in, or send a token: Authorization: Bearer ath_…"]
        answer = _answer(request, 401, "Nobody has shown who asks", lines)
        answer.headers["www-authenticate"] = "Bearer"
        return answer
    if request.method != "GET":
        return RedirectResponse("/login", status_code=303)
    where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?next={quote(where, safe='/')}", status_code=303)


def _wrong_form(request: Request, error: Exception) -> Response:
    lines = [
        "nothing was done: the form does not belong to this session.",
        "Go back, load the page again, and ask once more.",
    ]
    return _answer(request, 403, "The page is not of this session", lines)


def _too_often(request: Request, error: Exception) -> Response:
    answer = _answer(request, 429, "Too often", [f"nothing was done: {error}"])
    if isinstance(error, TooOften):
        answer.headers["retry-after"] = str(error.wait_s)
    return answer


def _too_large(request: Request, error: Exception) -> Response:
    return _answer(request, 413, "Too large", [str(error)])


def _invalid(request: Request, error: Exception) -> Response:
    lines = [str(error)]
    if isinstance(error, RequestValidationError):
        lines = [
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()
        ]
    return _answer(request, 422, "Not as expected", lines)


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if isinstance(error.__cause__, BodyTooLarge):  # FastAPI wraps what breaks off a body
        return _too_large(request, error.__cause__)
    title = HTTPStatus(error.status_code).phrase
    answer = _answer(request, error.status_code, title, [str(error.detail)])
    answer.headers.update(error.headers or {})
    return answer


def _refused(request: Request, error: Exception) -> Response:
    match error:
        case NotPermitted():
            status, title = 403, "Not permitted"
        case StaleView():
            status, title = 409, "Somebody else was quicker"
        case LogUnavailable():
            status, title = 503, "The log cannot be used now"
        case LogError():
            status, title = 500, "The log cannot be read"
        case RequestRefused():
            status, title = 409, "Not now"
        case _:
            status, title = 422, "Not as expected"
    if status >= 500:
        logger.error("%s %r: %s", request.method, request.url.path, error)
    return _answer(request, status, title, list(refusal_lines(error)))


def _unexpected(request: Request, error: Exception) -> Response:
    """Say that something is wrong with Athanor itself, and nothing of what."""
    logger.error("%s %r failed", request.method, request.url.path, exc_info=error)
    lines = [
        "Something is wrong with Athanor itself; its own log says what. The laboratory goes on."
    ]
    return _answer(request, 500, "An error of ours", lines)
