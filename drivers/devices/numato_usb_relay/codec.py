"""Bytes to messages and back for Numato Lab USB relay modules; no I/O happens here.

A request is a command and CR. The module repeats every character that it hears, CR as LF CR, then
gives its answer and LF CR if there is one, then the prompt ``>``. The repeated command tells which
request an answer belongs to.
"""

import re
from dataclasses import dataclass
from typing import Final

from drivers.errors import ProtocolError

__all__ = [
    "N_RELAYS",
    "READERS",
    "REPLY_END",
    "Reply",
    "Request",
    "decode",
    "encode",
    "firmware_from",
    "is_on_from",
    "is_refusal",
    "module_id_from",
    "text_from_relay",
]

REPLY_END: Final = b">"
N_RELAYS: Final = 32
"""The largest module has so many; they are numbered 0 to 9 and then A to V."""

_PLAIN: Final = frozenset({"ver", "id get"})
_OF_ONE_RELAY: Final = frozenset({"relay on", "relay off", "relay read"})
_FRAME = re.compile(
    rb"[\r\n]*(?P<echo>[ -=?-~]*)[\r\n]+(?:(?P<text>[ -=?-~]+)[\r\n]+)?>",
)
_RELAY = re.compile(r"[0-9A-V]")
_EIGHT = re.compile(r"[0-9A-Za-z.]{8}")
_REFUSAL = re.compile(r"(?:invalid|error)\b.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """One command to the module."""

    command: str
    """``ver``, ``id get``, ``relay on``, ``relay off`` or ``relay read``."""
    argument: str = ""
    """The relay, 0 to 9 and A to V; empty for the first two."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the module says up to its next prompt."""

    echo: str
    """The request that it answers, as the module heard it."""
    text: str
    """The answer; empty where a request is only taken note of."""


def text_from_relay(number: int) -> str:
    """Return how a relay is written.

    Args:
        number: 0 to 31.

    Raises:
        ValueError: No module has such a relay.

    Example:
        >>> text_from_relay(3), text_from_relay(10)
        ('3', 'A')
    """
    if not 0 <= number < N_RELAYS:
        raise ValueError(f"relay: got {number}, expected 0 to {N_RELAYS - 1}")
    return str(number) if number < 10 else chr(ord("A") + number - 10)


def encode(request: Request) -> bytes:
    r"""Return the frame that carries a request.

    Raises:
        ValueError: There is no such command, or it does not take this argument.

    Example:
        >>> encode(Request("relay on", "0"))
        b'relay on 0\r'
    """
    if request.command in _PLAIN and not request.argument:
        return f"{request.command}\r".encode("ascii")
    if request.command in _OF_ONE_RELAY and _RELAY.fullmatch(request.argument):
        return f"{request.command} {request.argument}\r".encode("ascii")
    expected = f"one of {sorted(_PLAIN)}, or one of {sorted(_OF_ONE_RELAY)} and a relay"
    raise ValueError(f"request: got {request}, expected {expected}")


def decode(frame: bytes) -> Reply:
    r"""Read what came up to and including a prompt.

    Raises:
        ProtocolError: It is cut short or holds what no module sends.

    Example:
        >>> decode(b"relay read 0\n\roff\n\r>")
        Reply(echo='relay read 0', text='off')
    """
    found = _FRAME.fullmatch(frame)
    if found is None:
        raise ProtocolError("not an answer of a Numato module", frame)
    text = (found["text"] or b"").decode("ascii")
    return Reply(found["echo"].decode("ascii").rstrip(), text.strip())


def is_refusal(reply: Reply) -> bool:
    """Say whether the module refuses the request.

    Example:
        >>> is_refusal(Reply("relay on Z", "Invalid relay number"))
        True
    """
    return _REFUSAL.fullmatch(reply.text) is not None


def is_on_from(reply: Reply) -> bool:
    """Return the state of an answer to ``relay read``.

    Raises:
        ProtocolError: The answer is neither ``on`` nor ``off``.
    """
    if reply.text not in {"on", "off"}:
        raise ProtocolError("not the state of a relay", reply.text.encode("ascii", "replace"))
    return reply.text == "on"


def firmware_from(reply: Reply) -> str:
    """Return the version of an answer to ``ver``.

    Raises:
        ProtocolError: The answer has not eight characters.
    """
    return _eight(reply, "not a firmware version")


def module_id_from(reply: Reply) -> str:
    """Return the number of an answer to ``id get``, as its owner has set it.

    Raises:
        ProtocolError: The answer has not eight characters.
    """
    return _eight(reply, "not the number of a module")


def _eight(reply: Reply, reason: str) -> str:
    if not _EIGHT.fullmatch(reply.text):
        raise ProtocolError(reason, reply.text.encode("ascii", "replace"))
    return reply.text


READERS: Final = (firmware_from, is_on_from, module_id_from)
"""Every function that reads the text of a reply."""
