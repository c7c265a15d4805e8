"""What an Opentrons robot says and hears: its HTTP API with JSON; no I/O happens here."""

import hashlib
import re
from dataclasses import dataclass
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
    path_of,
    value_at,
)

__all__ = [
    "ACTIVE",
    "ENDED",
    "READERS",
    "REPLY_END",
    "Health",
    "Reply",
    "Request",
    "Run",
    "act_on_run",
    "create_run",
    "current_run_in",
    "decode",
    "encode",
    "health_in",
    "id_in",
    "key_of",
    "lights_in",
    "n_bytes_missing",
    "question",
    "refusal_in",
    "run_in",
    "switch_lights",
    "upload",
    "uploaded_with",
]

Request = HttpRequest
Reply = HttpReply
REPLY_END: Final = b""
"""Nothing marks the end of a reply; its head tells its length."""
ENDED: Final = frozenset({"stopped", "failed", "succeeded"})
"""States from which a run does not come back."""
ACTIVE: Final = frozenset(
    {
        "running",
        "pause-requested",
        "paused",
        "stop-requested",
        "finishing",
        "blocked-by-open-door",
        "awaiting-recovery",
        "awaiting-recovery-paused",
        "awaiting-recovery-blocked-by-open-door",
    }
)
"""States in which the robot has begun and has not ended."""
_STATES: Final = ENDED | ACTIVE | {"idle"}
_VERSION: Final = (("Opentrons-Version", "*"),)
_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_ACTIONS: Final = ("play", "pause", "stop")
_BOUNDARY: Final = "athanor-5f1c0d9a7be24"


@dataclass(frozen=True, slots=True)
class Health:
    """What the robot says of itself."""

    name: str
    model: str
    serial_number: str
    version: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run as the robot knows it."""

    run_id: str
    state: str
    n_actions: int
    """How often somebody said play, pause or stop."""
    error: str
    """What went wrong, if something did."""


def question(*segments: str) -> Request:
    """Return a request that only asks.

    Raises:
        ValueError: A segment is no name.
    """
    return Request("GET", path_of(*segments), headers=_VERSION)


def upload(name: str, text: str, key: str) -> Request:
    """Return the request that gives the robot a protocol; it does not run it.

    Args:
        name: Of the file: ``dilution.py``.
        text: Its contents.
        key: Under which `uploaded_with` finds it again.

    Raises:
        ValueError: The name or the key holds more than letters, digits, ``_``, ``.`` and ``-``.
    """
    if not _ID.fullmatch(name) or not _ID.fullmatch(key) or _BOUNDARY in text:
        raise ValueError(f"protocol: got {name!r} under {key!r}, expected names of files")
    body = "\r\n".join(
        [
            f"--{_BOUNDARY}",
            'Content-Disposition: form-data; name="key"',
            "",
            key,
            f"--{_BOUNDARY}",
            f'Content-Disposition: form-data; name="files"; filename="{name}"',
            "Content-Type: application/octet-stream",
            "",
            text,
            f"--{_BOUNDARY}--",
            "",
        ]
    )
    kind = f"multipart/form-data; boundary={_BOUNDARY}"
    return Request("POST", path_of("protocols"), body, kind, _VERSION)


def key_of(text: str) -> str:
    """Return the key of a protocol: the same text has the same one.

    Example:
        >>> key_of("")
        'athanor-e3b0c44298fc1c149afbf4c8996fb924'
    """
    return f"athanor-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:32]}"


def create_run(protocol_id: str, values: dict[str, float | bool | str]) -> Request:
    """Return the request that makes a run of a protocol; it does not begin.

    Args:
        protocol_id: The robot's own.
        values: Of its run-time parameters, by name.

    Raises:
        ValueError: A number is not finite.
    """
    data: dict[str, object] = {"protocolId": protocol_id}
    if values:
        data["runTimeParameterValues"] = values
    body = json_text({"data": data})
    return Request("POST", path_of("runs"), body, headers=_VERSION)


def act_on_run(run_id: str, action: str) -> Request:
    """Return the request that plays, pauses or stops a run.

    Raises:
        ValueError: There is no such action, or the id is none.
    """
    if action not in _ACTIONS or not _ID.fullmatch(run_id):
        raise ValueError(f"got {action!r} of {run_id!r}, expected one of {_ACTIONS}")
    body = json_text({"data": {"actionType": action}})
    return Request("POST", path_of("runs", run_id, "actions"), body, headers=_VERSION)


def switch_lights(*, is_on: bool) -> Request:
    """Return the request that switches the rail lights."""
    body = json_text({"on": is_on})
    return Request("POST", path_of("robot", "lights"), body, headers=_VERSION)


def lights_in(reply: Reply) -> bool:
    """Return whether the lights are on, in an answer to ``/robot/lights``.

    Raises:
        ProtocolError: It is another answer.
    """
    found = value_at(json_in(reply), "/on")
    if not isinstance(found, bool):
        raise ProtocolError("neither on nor off", reply.text[:200].encode())
    return found


def refusal_in(reply: Reply) -> tuple[str, str] | None:
    """Return code and text of a refusal, or nothing if it is none."""
    if 200 <= reply.status < 300:
        return None
    try:
        first = value_at(json_in(reply), "/errors/0")
    except ProtocolError:
        return f"HTTP {reply.status}", reply.text[:200]
    fields = first if isinstance(first, dict) else {}
    words = [str(fields[name]) for name in ("title", "detail") if fields.get(name)]
    return str(fields.get("errorCode") or f"HTTP {reply.status}"), ": ".join(words)[:300]


def health_in(reply: Reply) -> Health:
    """Return what an answer to ``/health`` says.

    Raises:
        ProtocolError: It is another answer.
    """
    document = json_in(reply)
    return Health(
        name=_text(document, "/name"),
        model=_text(document, "/robot_model"),
        serial_number=_text_or_nothing(document, "/robot_serial"),
        version=_text(document, "/api_version"),
    )


def id_in(reply: Reply) -> str:
    """Return the id of what was made.

    Raises:
        ProtocolError: It is another answer.
    """
    return _id(json_in(reply), "/data/id")


def uploaded_with(reply: Reply, key: str) -> str | None:
    """Return the id of the newest protocol with a key, in an answer to ``/protocols``.

    Raises:
        ProtocolError: It is another answer.
    """
    found = [
        _id(one, "/id") for one in _list(reply) if isinstance(one, dict) and one.get("key") == key
    ]
    return found[-1] if found else None


def run_in(reply: Reply) -> Run:
    """Return the run in an answer to ``/runs/{id}``.

    Raises:
        ProtocolError: It is another answer.
    """
    return _run(value_at(json_in(reply), "/data"))


def current_run_in(reply: Reply) -> Run | None:
    """Return the run that is current, in an answer to ``/runs``; nothing if none is.

    Raises:
        ProtocolError: It is another answer.
    """
    current = [one for one in _list(reply) if isinstance(one, dict) and one.get("current") is True]
    return _run(current[-1]) if current else None


def _run(data: object) -> Run:
    state = _text(data, "/status")
    if state not in _STATES:
        raise ProtocolError("a state of a run that nobody knows", state.encode())
    fields = data if isinstance(data, dict) else {}
    actions, errors = fields.get("actions", []), fields.get("errors", [])
    if not isinstance(actions, list) or not isinstance(errors, list):
        raise ProtocolError("not a run", repr(data)[:200].encode())
    details = [str(one.get("detail", one)) for one in errors if isinstance(one, dict)]
    return Run(_id(data, "/id"), state, len(actions), "; ".join(details)[:300])


def _list(reply: Reply) -> list[object]:
    found = value_at(json_in(reply), "/data")
    if not isinstance(found, list):
        raise ProtocolError("not a list", reply.text[:200].encode())
    return found


def _text(document: object, pointer: str) -> str:
    found = value_at(document, pointer)
    if not isinstance(found, str) or not found.isprintable() or not found:
        raise ProtocolError(f"no text at {pointer}", repr(found)[:200].encode())
    return found


def _text_or_nothing(document: object, pointer: str) -> str:
    try:
        return _text(document, pointer)
    except ProtocolError:
        return ""


def _id(document: object, pointer: str) -> str:
    found = _text(document, pointer)
    if not _ID.fullmatch(found):
        raise ProtocolError(f"no id at {pointer}", found[:200].encode())
    return found


READERS: Final = (current_run_in, health_in, id_in, lights_in, refusal_in, run_in)
"""Every function that reads the fields of a reply."""
