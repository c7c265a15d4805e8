"""Messages as lines of bytes, and back; whatever else comes over a socket is refused."""

from typing import Final

from pydantic import TypeAdapter, ValidationError

from orchestrator.core.point import Fact
from orchestrator.errors import AthanorError
from orchestrator.station.messages import Answer, Request

__all__ = [
    "MAX_LINE_BYTES",
    "BadMessage",
    "answer_from_line",
    "line_from",
    "request_from_line",
]

MAX_LINE_BYTES: Final = 8 * 1024 * 1024
"""The longest message; outcomes with a long series of readings are the longest that are met."""


class BadMessage(AthanorError):
    """What came over the socket is no message of ours; the connection is not to be trusted."""


_requests: TypeAdapter[Request] = TypeAdapter(Request)
_answers: TypeAdapter[Answer] = TypeAdapter(Answer)


def line_from(message: Fact) -> bytes:
    """Return a message as it goes over the socket.

    Raises:
        BadMessage: It is longer than a line may be.
    """
    line = message.model_dump_json().encode() + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise BadMessage(f"a message of {len(line)} bytes, expected at most {MAX_LINE_BYTES}")
    return line


def request_from_line(line: bytes) -> Request:
    """Return what somebody asks of the station.

    Raises:
        BadMessage: It is no request.
    """
    try:
        return _requests.validate_json(line)
    except ValidationError as error:
        raise BadMessage(_in_words(error, line)) from error


def answer_from_line(line: bytes) -> Answer:
    """Return what the station says.

    Raises:
        BadMessage: It is no answer.
    """
    try:
        return _answers.validate_json(line)
    except ValidationError as error:
        raise BadMessage(_in_words(error, line)) from error


def _in_words(error: ValidationError, line: bytes) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "message"
    return f"{where}: got {line[:80]!r}, expected {first['msg']}"
