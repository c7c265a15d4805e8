"""The stream of what happens, as server-sent events: the event id is the log's seq.

Whoever comes back with ``Last-Event-ID`` is first given what they missed. Whoever reads too slowly
is let go and comes back; nobody waits for them.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from orchestrator.access.roles import Scope as Allowed
from orchestrator.dashboard.identity import identify, needs
from orchestrator.dashboard.parts import DashboardParts, parts_of
from orchestrator.dashboard.rate import TooOften
from orchestrator.service.following import StreamEvent, Subscription

__all__ = ["EventStream", "event_text", "router"]

router = APIRouter()

BEAT_EVERY_S: Final = 1.0
ASK_EVERY_S: Final = 5.0
"""So often it is asked whether who listens still may: an account may have been shut out."""
MOST_STREAMS: Final = 1000
"""So many may listen at once."""
_SLOWEST_S: Final = 15.0
"""So long may a client take to accept what is sent to it."""
_RETRY_MS: Final = 1000


def event_text(event: StreamEvent) -> str:
    """Return a record of the log as a server-sent event."""
    return f"id: {event.seq}\nevent: log\ndata: {event.model_dump_json()}\n\n"


class EventStream(Response):
    """Sends events until the client goes, or cannot follow.

    Args:
        parts: Of the app.
        subscription: What is sent.
        is_welcome: Tells whether who listens still may; asked now and then.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        parts: DashboardParts,
        subscription: Subscription,
        is_welcome: Callable[[], Awaitable[bool]],
    ) -> None:
        super().__init__(headers={"x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._parts = parts
        self._subscription = subscription
        self._is_welcome = is_welcome

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send beats and events; end when either side has gone."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._send(send, f"retry: {_RETRY_MS}\n\n{self._beat()}")
            async with asyncio.TaskGroup() as tasks:
                gone = tasks.create_task(_until_gone(receive))
                told = tasks.create_task(self._tell(send))
                await asyncio.wait({gone, told}, return_when=asyncio.FIRST_COMPLETED)
                gone.cancel()
                told.cancel()
        except* (TimeoutError, OSError):
            pass  # the client does not read: it finds the connection closed, and comes back
        finally:
            self._subscription.close()

    async def _tell(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        beaten_s = asked_s = loop.time()
        while not self._subscription.is_ended:
            left_s = max(0.01, BEAT_EVERY_S - (loop.time() - beaten_s))
            events: Sequence[StreamEvent] = await self._subscription.next(timeout_s=left_s)
            text = "".join(event_text(event) for event in events)
            if loop.time() - beaten_s >= BEAT_EVERY_S:
                beaten_s = loop.time()
                text += self._beat()
            if loop.time() - asked_s >= ASK_EVERY_S:
                asked_s = loop.time()
                if not await self._is_welcome():
                    break
            if text:
                await self._send(send, text)
        with suppress(TimeoutError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, text: str) -> None:
        """Send something, unless the client does not take it.

        Raises:
            TimeoutError: It does not.
        """
        async with asyncio.timeout(_SLOWEST_S):
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

    def _beat(self) -> str:
        follower = self._parts.follower
        facts = {
            "seq": follower.seq,
            "time": self._parts.clock.now().isoformat(),
            "trouble": follower.trouble,
        }
        return f"event: beat\ndata: {json.dumps(facts)}\n\n"


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@router.get(
    "/stream",
    dependencies=[Depends(needs(Allowed.READ))],
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}}},
    summary="What happens, as it happens",
    operation_id="stream",
)
async def stream(
    request: Request,
    last_event_id: Annotated[int | None, Header(ge=0, le=2**62)] = None,
    after_seq: Annotated[
        int | None, Query(ge=0, le=2**62, description="For a first connection.")
    ] = None,
) -> Response:
    """Follow the log from a record on, as server-sent events whose ids are the log's seq.

    Events are named ``log`` (one record) and ``beat`` (once a second, with the log's newest seq).
    """
    parts = parts_of(request)
    after = last_event_id if last_event_id is not None else after_seq
    if parts.follower.n_subscriptions >= MOST_STREAMS:
        raise TooOften(60.0)

    async def is_welcome() -> bool:
        who = await identify(request)
        return who is not None and who.may(Allowed.READ)

    return EventStream(parts, parts.follower.subscribe(after), is_welcome)
