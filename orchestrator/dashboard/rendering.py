"""Pages from templates: escaped always, and an undefined name is an error, not a gap."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from orchestrator.dashboard.identity import me_of
from orchestrator.dashboard.parts import parts_of
from orchestrator.service.acts import ACTS, Act
from orchestrator.service.lab_health import duration_text
from orchestrator.service.labels import label_from_name, number_text

__all__ = [
    "STATIC",
    "Renderer",
    "clock_time",
    "iso_time",
    "local_time",
    "make_renderer",
    "new_key",
    "page",
    "signed_duration",
    "tell_next_page",
    "told_cookie",
]

TEMPLATES: Final = Path(__file__).with_name("templates")
STATIC: Final = Path(__file__).with_name("static")
_LONGEST_TOLD: Final = 800
_LONGEST_COOKIE: Final = 4096
_THEME_COOKIE: Final = "athanor-theme"
_THEMES: Final = ("auto", "dark", "light")


class Renderer(Protocol):
    """Makes a page from a template."""

    def __call__(self, template: str, context: Mapping[str, object]) -> str:
        """Return the page's text."""
        ...


def make_renderer(*folders: Path) -> Renderer:
    """Return what makes pages from the templates of this room.

    Args:
        folders: Where more templates lie; the room's own come first.
    """
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, *folders]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        label=label_from_name, number=number_text, local=local_time, iso=iso_time
    )
    environment.filters.update(clock=clock_time, duration=duration_text, signed=signed_duration)

    def render(template: str, context: Mapping[str, object]) -> str:
        return environment.get_template(template).render(context)

    return render


def new_key() -> str:
    """Return an idempotency key that no other act has."""
    return secrets.token_hex(16)


def local_time(time: datetime) -> str:
    """Return a time in this machine's zone, with the zone.

    Args:
        time: With a zone.
    """
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def clock_time(time: datetime) -> str:
    """Return a time of day in this machine's zone, for axes that say the zone elsewhere."""
    return time.astimezone().strftime("%H:%M")


def signed_duration(seconds: float) -> str:
    """Return a difference of two durations for people.

    Example:
        >>> signed_duration(-90.0), signed_duration(0.2)
        ('−1 min 30 s', '±0 s')
    """
    sign = "±" if abs(seconds) < 0.5 else "+" if seconds > 0 else "−"
    return f"{sign}{duration_text(abs(seconds))}"


def iso_time(time: datetime) -> str:
    """Return a time for machines."""
    return time.isoformat(timespec="seconds")


def page(
    request: Request,
    template: str,
    context: Mapping[str, object] | None = None,
    *,
    status: int = 200,
) -> Response:
    """Return a page.

    Args:
        request: Who asks for it stands in there.
        template: Its file.
        context: What it shows, beside what every page has.
        status: HTTP's.
    """
    render: Renderer = request.app.state.render
    whole = {**_common(request), **(context or {})}
    answer = HTMLResponse(render(template, whole), status_code=status)
    is_secure = parts_of(request).is_secure
    if request.cookies.get(told_cookie(is_secure=is_secure)):
        answer.delete_cookie(told_cookie(is_secure=is_secure), secure=is_secure)
    return answer


def told_cookie(*, is_secure: bool) -> str:
    """Return the name of the cookie that says what became of an act.

    By https it begins with ``__Host-``, so that no sibling of this host can put words into a page.

    Args:
        is_secure: Whether browsers reach this server by https alone.
    """
    return "__Host-athanor-told" if is_secure else "athanor-told"


def tell_next_page(
    answer: Response, message: str, kind: str = "good", *, is_secure: bool = False
) -> None:
    """Have the next page say what became of an act.

    Args:
        answer: The redirection to that page.
        message: For a person.
        kind: ``good``, ``warning`` or ``bad``.
        is_secure: Whether browsers reach this server by https alone.
    """
    said = json.dumps({"message": message[:_LONGEST_TOLD], "kind": kind})
    value = urlsafe_b64encode(said.encode()).decode()
    name = told_cookie(is_secure=is_secure)
    answer.set_cookie(name, value, max_age=60, httponly=True, samesite="strict", secure=is_secure)


def _common(request: Request) -> dict[str, object]:
    """Return what every page may use."""
    parts, me = parts_of(request), me_of(request)
    session = getattr(request.state, "session", None)
    theme = request.cookies.get(_THEME_COOKIE, "auto")

    def act(name: str) -> type[Act]:
        return ACTS[name]

    def may(name: str) -> bool:
        return me is not None and me.may(ACTS[name].scope)

    return {
        "request": request,
        "me": me,
        "csrf": "" if session is None else session.csrf,
        "new_key": new_key,
        "seen_seq": getattr(request.state, "seen_seq", 0),
        "may": may,
        "act": act,
        "now": parts.clock.now(),
        "database_name": parts.database.name,
        "is_stale_after_s": 2.5,
        "theme": theme if theme in _THEMES else "auto",
        "told": _told(request),
        "path": request.url.path if request.method == "GET" else "/lab",
    }


def _told(request: Request) -> Mapping[str, str] | None:
    """Return what the page before wants said; None if nothing, or if it cannot be read."""
    value = request.cookies.get(told_cookie(is_secure=parts_of(request).is_secure), "")
    if not 0 < len(value) <= _LONGEST_COOKIE:
        return None
    try:
        said = json.loads(urlsafe_b64decode(value))
        return {"message": str(said["message"]), "kind": str(said["kind"])}
    except (ValueError, KeyError, TypeError, RecursionError):  # others may have planted it
        return None
