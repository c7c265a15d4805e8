"""The stream of events as a client follows it: whatever breaks, no gap and nothing twice."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import httpx2
from pydantic import ValidationError

from orchestrator.client.connection import Connection, Refused, Unreadable
from orchestrator.dashboard.api.models import Problem
from orchestrator.service.stream_events import StreamEvent

__all__ = ["ServerEvent", "follow", "server_events"]

_SILENT_S: Final = 10.0
"""A stream that says nothing for so long is broken: there is a beat every second."""
_AGAIN_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
"""How long is waited before each further attempt in a row, in seconds; the last one for ever."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One server-sent event."""

    event: str
    data: str
    event_id: str


def server_events(lines: Iterable[str]) -> Iterator[ServerEvent]:
    """Yield the events of a stream of lines, as the HTML standard reads them; comments are not.

    Args:
        lines: Without their ends.

    Example:
        >>> [one.data for one in server_events(["id: 7", "event: log", "data: {}", ""])]
        ['{}']
    """
    event, data, event_id = "message", list[str](), ""
    for line in lines:
        name, _, value = line.partition(":")
        text = value.removeprefix(" ")
        if not line:
            if data:
                yield ServerEvent(event, "\n".join(data), event_id)
            event, data = "message", []
        elif name == "event":
            event = text
        elif name == "data":
            data.append(text)
        elif name == "id":
            event_id = text


def follow(connection: Connection, after_seq: int) -> Iterator[StreamEvent]:
    """Yield every record after one, for ever; a broken stream is taken up where it broke.

    Args:
        connection: To the server.
        after_seq: The record after which it begins.

    Raises:
        Refused: The server said no, for instance because the log has no such record.
        Unreadable: An event is none of this version.
    """
    seq, n_broken = after_seq, 0
    while True:
        try:
            for event in _one_stream(connection, seq):
                n_broken = 0
                if event is not None and event.seq > seq:
                    seq = event.seq
                    yield event
        except httpx2.TransportError:
            pass  # whatever broke, the stream is taken up after `seq`
        connection.pause(_AGAIN_S[min(n_broken, len(_AGAIN_S) - 1)])
        n_broken += 1


def _one_stream(connection: Connection, seq: int) -> Iterator[StreamEvent | None]:
    """Yield the events of one stream until it breaks, and None for a beat."""
    with connection.http.stream(
        "GET",
        "/stream",
        headers={"last-event-id": str(seq), "accept": "text/event-stream"},
        timeout=httpx2.Timeout(_SILENT_S),
    ) as answer:
        if answer.status_code in (429, 502, 503, 504):
            return
        if answer.status_code != httpx2.codes.OK:
            answer.read()
            raise _refusal(answer)
        for one in server_events(answer.iter_lines()):
            if one.event != "log":
                yield None
                continue
            try:
                yield StreamEvent.model_validate_json(one.data)
            except ValidationError as error:
                raise Unreadable(f"the stream: {error}") from error


def _refusal(answer: httpx2.Response) -> Refused | Unreadable:
    try:
        return Refused(Problem.model_validate_json(answer.content))
    except ValidationError:
        return Unreadable(f"the stream: got {answer.status_code} {answer.text[:200]!r}")
