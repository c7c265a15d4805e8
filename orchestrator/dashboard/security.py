"""What is refused before anybody is asked who they are: wrong hosts, foreign origins, great bodies.

Order, from outside: headers on every answer, host, size, origin. See OWASP's cheat sheets on CSRF
and on HTTP headers.
"""

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.errors import RequestRefused

__all__ = [
    "LONGEST_BODY_S",
    "MOST_BYTES",
    "BodyTooLarge",
    "Guard",
    "host_of",
    "is_allowed_host",
    "is_same_origin",
]

MOST_BYTES: Final = 2 * 1024 * 1024
"""How large a request may be, in bytes."""
LONGEST_BODY_S: Final = 60.0
"""How long it may take to arrive, in seconds."""
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def host_of(host: str) -> str:
    """Return a ``Host`` header's name without its port, in small letters.

    Example:
        >>> host_of("LAB.example:8000"), host_of("[::1]:80")
        ('lab.example', '[::1]')
    """
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]


def is_allowed_host(host: str, allowed: Sequence[str]) -> bool:
    """Tell whether this server may be called by a name.

    Args:
        host: The header.
        allowed: Names without ports.

    Example:
        >>> is_allowed_host("localhost:8000", ["localhost"]), is_allowed_host("evil", ["localhost"])
        (True, False)
    """
    return host_of(host) in {name.lower() for name in allowed}


def is_same_origin(headers: Headers, scheme: str) -> bool:
    """Tell whether a request was sent by a page of this server; one that does not say was not.

    Args:
        headers: Of the request; its host has been checked.
        scheme: ``http`` or ``https``.
    """
    own = f"{scheme}://{headers.get('host', '').lower()}"
    origin = headers.get("origin")
    if origin is not None:
        return origin.lower() == own
    referer = headers.get("referer", "").lower()
    return referer == own or referer.startswith(f"{own}/")


class Guard:
    """Refuses what no page of ours asks, and says in each answer what a browser may do with it.

    Args:
        app: What is guarded.
        hosts: By which names the server may be called.
        is_secure: Whether browsers reach it by https alone.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str], is_secure: bool) -> None:
        self._app = app
        self._hosts = tuple(hosts)
        self._is_secure = is_secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message))
            await send(message)

        status, why = self._refusal(scope, headers)
        if why:
            answer = PlainTextResponse(f"{why}\n", status_code=status)
            answer.headers["connection"] = "close"  # what follows may be part of what was refused
            await answer(scope, receive, send_with_headers)
            return
        limited = _limited(receive)
        await self._app(scope, limited, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str]:
        """Return why a request is refused; empty if it is not."""
        if not is_allowed_host(headers.get("host", ""), self._hosts):
            return (
                421,
                "this server is not called by that name; `athanor serve --host-name` adds it",
            )
        if self._is_secure and scope["scheme"] != "https" and not _is_of_this_machine(scope):
            return 403, "this server is reached by https alone: passwords would cross in the clear"
        if "transfer-encoding" in headers and "content-length" in headers:
            return 400, "the request says two lengths: a proxy may have read another one"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return 413, f"the request is larger than {MOST_BYTES} bytes"
        if scope["method"] in _SAFE_METHODS or _has_token(headers):
            return 0, ""
        if not is_same_origin(headers, str(scope["scheme"])):
            return 403, "the request was not sent by a page of this server"
        return 0, ""

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("cache-control", "no-store")
        if self._is_secure:
            headers.setdefault("strict-transport-security", "max-age=31536000")


def _is_of_this_machine(scope: Scope) -> bool:
    """Tell whether a request did not cross a network."""
    client = scope.get("client")
    try:
        return client is None or ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False


def _has_token(headers: Headers) -> bool:
    """Tell whether a request shows itself who asks; a browser adds no such header by itself."""
    return headers.get("authorization", "").lower().startswith("bearer ")


class BodyTooLarge(RequestRefused):
    """A request without a length went on and on, or came too slowly."""


def _limited(receive: Receive) -> Receive:
    """Return a receiver that gives up on a body that is too large or too slow."""
    n_bytes, is_whole = 0, False
    until_s = asyncio.get_running_loop().time() + LONGEST_BODY_S

    async def receive_some() -> Message:
        nonlocal n_bytes, is_whole
        try:
            async with asyncio.timeout_at(None if is_whole else until_s):
                message = await receive()
        except TimeoutError as error:
            raise BodyTooLarge(f"the request is not whole after {LONGEST_BODY_S:g} s") from error
        n_bytes += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if n_bytes > MOST_BYTES:
            raise BodyTooLarge(f"the request is larger than {MOST_BYTES} bytes")
        return message

    return receive_some
