"""Values in JSON over HTTP: bytes to messages and back; no I/O happens here."""

import math
from typing import Final

from drivers.errors import ProtocolError
from drivers.http_messages import (
    HttpReply,
    HttpRequest,
    decode,
    encode,
    json_in,
    json_text,
    n_bytes_missing,
    value_at,
)

__all__ = [
    "READERS",
    "REPLY_END",
    "Reply",
    "Request",
    "body_with",
    "decode",
    "encode",
    "json_in",
    "n_bytes_missing",
    "number_in",
    "refusal_in",
    "text_in",
]

Request = HttpRequest
Reply = HttpReply
REPLY_END: Final = b""
"""Nothing marks the end of a reply; its head tells its length."""


def refusal_in(reply: Reply) -> str:
    """Return why the device refused, empty if it did not."""
    if 200 <= reply.status < 300:
        return ""
    return f"HTTP {reply.status}: {reply.text[:200]}"


def number_in(reply: Reply, pointer: str) -> float:
    """Return the number that a JSON pointer points at.

    Raises:
        ProtocolError: There is no finite number.
    """
    found = value_at(json_in(reply), pointer)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ProtocolError(f"no number at {pointer!r}", repr(found)[:200].encode())
    if (isinstance(found, int) and abs(found) > 10**15) or not math.isfinite(found):
        raise ProtocolError(f"no number that can be at {pointer!r}", repr(found)[:200].encode())
    return float(found)


def text_in(reply: Reply, pointer: str) -> str:
    """Return the text that a JSON pointer points at; numbers as they are written.

    Raises:
        ProtocolError: There is neither.
    """
    found = value_at(json_in(reply), pointer)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        raise ProtocolError(f"no text at {pointer!r}", repr(found)[:200].encode())
    return str(found)


def body_with(key: str, value: float) -> str:
    """Return a JSON body with one value; ``a/b`` stands for an object in an object.

    Raises:
        ValueError: The value is not finite.

    Example:
        >>> body_with("set/flow", 2.5)
        '{"set":{"flow":2.5}}'
    """
    document: object = value
    for part in reversed(key.split("/")):
        document = {part: document}
    return json_text(document)


READERS: Final = (json_in, refusal_in)
"""Every function that reads the fields of a reply."""
