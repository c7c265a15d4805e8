"""One connection to a station, on the engine's event loop."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

from typing_extensions import override

from orchestrator.core.point import Fact
from orchestrator.errors import AthanorError
from orchestrator.station.framing import MAX_LINE_BYTES, BadMessage, answer_from_line, line_from
from orchestrator.station.messages import (
    Answer,
    Beat,
    Goodbye,
    StatusAnswer,
    Woken,
)

__all__ = ["Link", "LinkDown", "opened_link"]


class LinkDown(AthanorError):
    """The connection to the station is gone; what was asked may have arrived."""


class Link(asyncio.Protocol):
    """Numbers requests and finds the future that each answer belongs to.

    Args:
        on_push: Told what the station says unasked.
        on_down: Told once when the connection is gone.
    """

    def __init__(self, on_push: Callable[[Answer], None], on_down: Callable[[], None]) -> None:
        self._on_push = on_push
        self._on_down = on_down
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self.why_down = ""
        """Why the connection is gone, if that is known."""

    @property
    def is_up(self) -> bool:
        """Whether something may be asked."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: Fact) -> "asyncio.Future[Answer]":
        """Send a request.

        Returns:
            Its answer to be; `LinkDown` if the connection goes before it comes.

        Raises:
            LinkDown: The connection is gone; nothing was handed over.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise LinkDown(self.why_down or "the station does not answer")
        self._number += 1
        line = line_from(request.model_copy(update={"number": self._number}))
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = answer
        transport.write(line)
        return answer

    def beat(self) -> None:
        """Show that this engine lives."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(line_from(Beat()))

    def close(self) -> None:
        """Hang up; what was written still goes out."""
        if self._transport is not None:
            self._transport.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._take(line)
        if len(self._buffer) > MAX_LINE_BYTES:
            self._give_up("the station sent a line without end")

    def _take(self, line: bytes) -> None:
        try:
            answer = answer_from_line(line)
        except BadMessage as error:
            self._give_up(str(error))
            return
        if isinstance(answer, Goodbye):
            self._give_up(answer.reason)
        elif isinstance(answer, Woken) or (isinstance(answer, StatusAnswer) and not answer.number):
            self._on_push(answer)
        else:
            waiting = self._waiting.pop(answer.number, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    def _give_up(self, reason: str) -> None:
        self.why_down = self.why_down or reason
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.why_down = self.why_down or (str(exc) if exc else "the station closed the connection")
        self._transport = None
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(LinkDown(self.why_down))
                future.exception()  # whoever does not wait any more needs not to be told
        self._on_down()


async def opened_link(
    socket: Path, on_push: Callable[[Answer], None], on_down: Callable[[], None]
) -> Link:
    """Connect to a station's socket.

    Raises:
        LinkDown: Nobody listens there.
    """
    loop = asyncio.get_running_loop()
    try:
        _, link = await loop.create_unix_connection(lambda: Link(on_push, on_down), str(socket))
    except OSError as error:
        raise LinkDown(f"no station answers at {socket}") from error
    return link
