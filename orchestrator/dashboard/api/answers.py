"""How a look is answered: with 404 for what is not there, with 304 for what has not changed."""

import hashlib
import secrets
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends, HTTPException, Path, Request, Response
from fastapi.routing import APIRoute
from typing_extensions import override

from orchestrator.access.roles import Scope
from orchestrator.dashboard.parts import parts_of
from orchestrator.errors import RequestRefused

__all__ = [
    "PREFIX",
    "SCOPE_KEY",
    "TAGGED_KEY",
    "CampaignId",
    "TaggedRoute",
    "for_scope",
    "refused_as",
    "tagged",
]

PREFIX: Final = "/api/v1"
SCOPE_KEY: Final = "x-athanor-scope"
"""Under which the description of an operation says what it needs."""
TAGGED_KEY: Final = "x-athanor-tagged"
"""Under which a route says that it is one of `tagged`; it does not stand in the description."""
_PROCESS: Final = secrets.token_hex(6)
"""Tags of another process stand for nothing: it may serve another log."""


class _Unchanged(Exception):
    """The log has not moved since who asks looked last."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


class TaggedRoute(APIRoute):
    """A route that answers with 304 where `tagged` finds that nothing has changed."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route."""
        handler = super().get_route_handler()

        async def unless_unchanged(request: Request) -> Response:
            try:
                return await handler(request)
            except _Unchanged as unchanged:
                return Response(status_code=304, headers={"etag": unchanged.tag})

        return unless_unchanged


def tagged(request: Request, response: Response) -> None:
    """Say with the answer up to which record it is, and give none to who has that already.

    For routes of `TaggedRoute` whose answer depends on the log alone; `needs` has looked at it.
    """
    asked = hashlib.sha256(f"{request.url.path}?{request.url.query}".encode()).hexdigest()
    tag = f'W/"{request.state.seen_seq}-{_PROCESS}-{asked[:12]}"'
    if tag in request.headers.get("if-none-match", ""):
        raise _Unchanged(tag)
    response.headers["etag"] = tag


@contextmanager
def refused_as(status: int) -> Iterator[None]:
    """Answer a refusal with a status of its own: 404 for what is not there, 422 for bad words.

    Args:
        status: HTTP's.

    Raises:
        HTTPException: Something was refused.
    """
    try:
        yield
    except RequestRefused as error:
        raise HTTPException(status, str(error)) from error


def _known_campaign(request: Request, campaign_id: Annotated[str, Path(max_length=200)]) -> str:
    """Return the id of a campaign of the log.

    Raises:
        HTTPException: There is no such campaign.
    """
    with refused_as(404), parts_of(request).live.using() as lab:
        return lab.meant(campaign_id)


CampaignId: TypeAlias = Annotated[str, Depends(_known_campaign)]
"""Of a campaign that is there."""


def for_scope(scope: Scope) -> dict[str, str]:
    """Return what the description of an operation says of the scope that it needs."""
    return {SCOPE_KEY: str(scope)}
