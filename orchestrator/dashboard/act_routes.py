"""Two doors to every act, made from the registry: a form of a page, and JSON of a script."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, TypeVar, TypeVarTuple

from fastapi import APIRouter, Depends, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from orchestrator.access.roles import Principal
from orchestrator.dashboard.act_forms import act_from_form, kept_fields
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import DashboardParts, parts_of
from orchestrator.dashboard.rate import slow_down
from orchestrator.dashboard.rendering import page, tell_next_page
from orchestrator.dashboard.threads import pools_of
from orchestrator.errors import LogError, RequestRefused
from orchestrator.service.acts import ACTS, Act, Told, perform_act

__all__ = ["api_router", "local_path", "page_router"]

_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "Nobody has shown who asks."},
    403: {"description": "Whoever asks may not do that."},
    409: {"description": "It cannot be done in the present state, or the page was too old."},
    429: {"description": "Too often; `Retry-After` says when."},
    503: {"description": "The log cannot be used now; nothing was done, unless stations say so."},
}
_HOME: Final = "/"
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def local_path(text: str | None) -> str:
    """Return a path of this server to go to next; anything else becomes the first page.

    Example:
        >>> local_path("/alarms"), local_path("//evil.example"), local_path("https://evil.example")
        ('/alarms', '/', '/')
    """
    is_ours = text is not None and text.startswith("/") and not text.startswith(("//", "/\\"))
    is_clean = text is not None and all(sign.isprintable() for sign in text)
    return text if text is not None and is_ours and is_clean else _HOME


def _perform(
    parts: DashboardParts, act: Act, me: Principal, key: str, seen_seq: int | None
) -> Told:
    return perform_act(
        act,
        me,
        open_lab=parts.open_lab,
        door=parts.door_of(me.name),
        key=key,
        seen_seq=seen_seq,
        boards=parts.boards,
        launcher=parts.launcher,
    )


async def _in_thread(request: Request, act: Act, work: Callable[[*Ts], T], *args: *Ts) -> T:
    """Work for an act in a thread; what makes the bench safer waits for no page."""
    if act.makes_safer:
        return await pools_of(request).safer.run(work, *args)
    return await run_in_threadpool(work, *args)


def _api_route(kind: type[Act]) -> Callable[..., Coroutine[Any, Any, Told]]:
    allowed = needs(kind.scope)

    async def act_by_json(
        request: Request,
        act: Act,
        me: Annotated[Principal, Depends(allowed)],
        idempotency_key: Annotated[
            str,
            Header(
                min_length=8,
                max_length=128,
                pattern=r"^[A-Za-z0-9._:-]+$",
                description="New for each act; the same one when you ask again without an answer.",
            ),
        ],
        athanor_seen_seq: Annotated[
            int | None,
            Header(
                ge=0,
                le=2**62,
                description="The newest seq that you knew of when you decided: if somebody else "
                "acted on the same thing since, nothing is done and you are told (409).",
            ),
        ] = None,
    ) -> Told:
        parts = parts_of(request)
        if not kind.makes_safer:
            slow_down(request, me.name)
        return await _in_thread(
            request, act, _perform, parts, act, me, idempotency_key, athanor_seen_seq
        )

    act_by_json.__annotations__["act"] = kind  # the model of this very act, for the schema
    return act_by_json


def api_router() -> APIRouter:
    """Return a route for each act, for scripts."""
    router = APIRouter(prefix="/api/v1/acts", tags=["acts"])
    for name, kind in ACTS.items():
        summary = (kind.__doc__ or name).strip().splitlines()[0]
        danger = " It is dangerous: it wants a reason." if kind.is_dangerous else ""
        router.add_api_route(
            f"/{name}",
            _api_route(kind),
            methods=["POST"],
            operation_id=f"act_{name}",
            summary=summary,
            description=f"{summary} Needs the scope `{kind.scope}`.{danger}",
            response_model=Told,
            responses=_ANSWERS,
        )
    return router


def _page_route(kind: type[Act]) -> Callable[..., Coroutine[Any, Any, Response]]:
    allowed = needs(kind.scope)

    async def act_by_form(request: Request, me: Annotated[Principal, Depends(allowed)]) -> Response:
        parts = parts_of(request)
        if not kind.makes_safer:
            slow_down(request, me.name)
        form = await request.form()
        fields = kept_fields(form)
        act = act_from_form(kind, fields)
        key, seen = str(form.get("key", "")), str(form.get("seen_seq", ""))
        after = local_path(str(form.get("next", _HOME)))
        is_sure = form.get("confirmed") == "yes"
        if kind.is_dangerous and not (is_sure and act.reason):
            consequence = await _in_thread(request, act, _consequence, parts, act, me)
            return page(
                request,
                "confirm.html",
                {
                    "kind": kind,
                    "fields": [one for one in fields if one[0] != "reason"],
                    "reason": act.reason,
                    "consequence": consequence,
                    "key": key,
                    "seen": seen,
                    "next": after,
                    "lacks_reason": is_sure,
                },
                status=422 if is_sure else 200,
            )
        if not seen.isdecimal() or len(seen) > 18:
            raise RequestRefused(f"seen_seq: got {seen[:20]!r}, expected a number")
        told = await _in_thread(request, act, _perform, parts, act, me, key, int(seen))
        return _told_page(after, told, is_secure=parts.is_secure)

    return act_by_form


def _consequence(parts: DashboardParts, act: Act, me: Principal) -> str:
    """Say what an act will do; what makes the bench safer is asked for without the log, too."""
    try:
        with parts.open_lab(me.name, None) as lab:
            return act.consequence(lab)
    except LogError as error:
        if not act.makes_safer:
            raise
        return f"is told to the stations at once, though the log cannot be read ({error})"


def _told_page(after: str, told: Told, *, is_secure: bool) -> Response:
    answer = RedirectResponse(after, status_code=303)
    said = [told.message]
    said += [
        f"station {one.station}: {'' if one.is_done else 'did not do it: '}{one.message}"
        for one in told.stations
        if one.message or not one.is_done
    ]
    kind = "good" if told.is_done else "bad"
    tell_next_page(answer, "; ".join(said), kind, is_secure=is_secure)
    return answer


def page_router() -> APIRouter:
    """Return a route for each act, for the forms of pages."""
    router = APIRouter(prefix="/acts", include_in_schema=False)
    for name, kind in ACTS.items():
        router.add_api_route(
            f"/{name}", _page_route(kind), methods=["POST"], name=f"act_form_{name}"
        )
    return router
