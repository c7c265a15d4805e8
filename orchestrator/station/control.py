"""Asking a station something from a command: one blocking call, no event loop."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from orchestrator.core.point import Fact
from orchestrator.errors import RequestRefused
from orchestrator.station.framing import MAX_LINE_BYTES, BadMessage, answer_from_line, line_from
from orchestrator.station.messages import (
    Answer,
    ControlRequest,
    Failed,
    Goodbye,
    Hello,
    PersonName,
    StatusAnswer,
    Welcome,
    Woken,
)
from orchestrator.station.places import StationFolder

__all__ = ["NoStation", "control", "control_all", "stations_of", "status_of"]

_CHUNK: Final = 65536


class NoStation(RequestRefused):
    """No station answers there."""


def stations_of(database: Path) -> list[StationFolder]:
    """Return the folders of all stations that ever worked for a database, in order.

    Args:
        database: The laboratory's log.
    """
    whole = database.resolve()
    root = whole.with_name(f"{whole.name}.station")
    if not root.is_dir():
        return []
    return [StationFolder(path) for path in sorted(root.iterdir()) if path.is_dir()]


def control(
    folder: StationFolder,
    database: Path,
    request: ControlRequest,
    *,
    name: str,
    timeout_s: float = 30.0,
) -> Answer:
    """Ask one station something and wait for its answer.

    Args:
        folder: The station's.
        database: The laboratory's log.
        request: What is asked.
        name: Who asks, a person.
        timeout_s: How long each answer is waited for, in real seconds.

    Raises:
        NoStation: Nobody answers there in time.
        RequestRefused: The station refuses.
    """
    answer = _asked(folder, database, request.model_copy(update={"number": 1}), name, timeout_s)
    if isinstance(answer, Failed):
        raise RequestRefused(f"{answer.error}: {answer.message}")
    return answer


def control_all(
    database: Path, request: ControlRequest, *, name: str, timeout_s: float = 30.0
) -> list[Answer]:
    """Ask every station of a database that lives; those that do not are passed over.

    Raises:
        RequestRefused: A station refuses.
    """
    answers = []
    for folder in stations_of(database):
        try:
            answers.append(control(folder, database, request, name=name, timeout_s=timeout_s))
        except NoStation:
            continue
    return answers


def status_of(folder: StationFolder, database: Path, *, timeout_s: float = 5.0) -> Welcome:
    """Return what a station says when it is greeted.

    Raises:
        NoStation: Nobody answers there in time.
        RequestRefused: It serves another database.
    """
    answer = _asked(folder, database, None, "visitor", timeout_s)
    if isinstance(answer, Welcome):
        return answer
    raise RequestRefused(getattr(answer, "message", "the station did not say who it is"))


def _asked(
    folder: StationFolder,
    database: Path,
    request: ControlRequest | None,
    name: str,
    timeout_s: float,
) -> Answer:
    hello = Hello(database=str(database.resolve()), who=PersonName(name=name))
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(timeout_s)
            wire.connect(str(folder.socket))
            _send(wire, hello)
            answers = _answers(wire)
            welcome = next(answers)
            if request is None or isinstance(welcome, Failed):
                return welcome
            _send(wire, request)
            return next(
                answer for answer in answers if answer.number == 1 or isinstance(answer, Goodbye)
            )
    except (OSError, BadMessage, StopIteration) as error:
        reason = str(error) or "it hung up"
        raise NoStation(f"no station answers at {folder.socket}: {reason}") from error


def _send(wire: socket.socket, message: Fact) -> None:
    wire.sendall(line_from(message))


def _answers(wire: socket.socket) -> Iterator[Answer]:
    """Yield what was asked for; what the station says unasked is passed over."""
    buffer = bytearray()
    while True:
        end = buffer.find(b"\n")
        if end < 0:
            if len(buffer) > MAX_LINE_BYTES:
                raise BadMessage("the station sent a line without end")
            data = wire.recv(_CHUNK)
            if not data:
                return
            buffer += data
            continue
        answer = answer_from_line(bytes(buffer[:end]))
        del buffer[: end + 1]
        is_unasked = isinstance(answer, Woken | StatusAnswer) and not answer.number
        if not is_unasked:
            yield answer
