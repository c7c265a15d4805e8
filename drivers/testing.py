"""What tests of drivers stand on: dialogues read from files, and a line that plays them.

Nothing here is used at run time.
"""

import ast
import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drivers.errors import LineError, OutcomeUnknown, ProtocolError
from drivers.line import MAX_FRAME_BYTES

__all__ = ["Dialogue", "Frame", "MemoryLine", "read_dialogues"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a dialogue, or a wait between two."""

    data: bytes
    """Empty for a wait."""
    is_from_host: bool
    meaning: Mapping[str, object] | None = None
    """What the frame means, where the file says so."""
    wait_s: float = 0.0
    """Seconds that pass here."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What host and device say to each other between two blank lines of a file."""

    title: str
    frames: tuple[Frame, ...]
    given: Mapping[str, object] = field(default_factory=dict)
    """State of the device before it."""
    is_codec_only: bool = False
    """True for frames that a pretend device need not produce."""


def read_dialogues(path: Path) -> tuple[Dialogue, ...]:
    """Read a file of dialogues; its format is in tests/dialogues/README.md.

    Args:
        path: UTF-8 text.

    Raises:
        ValueError: A line has no known form; the message names the file and the line.
    """
    dialogues: list[Dialogue] = []
    lines: list[tuple[int, str]] = []
    for number, line in enumerate([*path.read_text("utf-8").splitlines(), ""], start=1):
        if line.strip():
            lines.append((number, line))
        elif lines:
            dialogue = _dialogue_from(path.name, lines)
            dialogues.extend([dialogue] if dialogue.frames else [])
            lines = []
    return tuple(dialogues)


def _dialogue_from(name: str, lines: Sequence[tuple[int, str]]) -> Dialogue:
    frames: list[Frame] = []
    titles: list[str] = []
    given: Mapping[str, object] = {}
    is_codec_only = False
    for number, line in lines:
        mark, text = line[:2], line[2:]
        if line == "#":
            continue
        if mark == "# " and text.startswith("given "):
            given = json.loads(text.removeprefix("given "))
        elif mark == "# " and text.startswith("wait "):
            frames.append(Frame(b"", is_from_host=True, wait_s=float(text.removeprefix("wait "))))
        elif mark == "# " and text == "codec only":
            is_codec_only = True
        elif mark == "# ":
            titles.append(text)
        elif mark in {"> ", "< "}:
            frames.append(Frame(_bytes_from(text), is_from_host=mark == "> "))
        elif mark == "@ " and frames and frames[-1].data and frames[-1].meaning is None:
            last = frames[-1]
            frames[-1] = Frame(last.data, last.is_from_host, json.loads(text))
        else:
            raise ValueError(f"{name}:{number}: got {line!r}, expected '# ', '> ', '< ' or '@ '")
    return Dialogue(" ".join(titles), tuple(frames), given, is_codec_only)


def _bytes_from(text: str) -> bytes:
    quoted = text.replace("'", r"\x27")
    data = ast.literal_eval(f"b'{quoted}'")
    if not isinstance(data, bytes):
        raise TypeError(f"got {text!r}, expected bytes")
    return data


class MemoryLine:
    """A line that plays a script: it checks what is written and gives what the script answers.

    What the host writes is compared frame by frame; the first unexpected byte is an
    `AssertionError`, so that it cannot be taken for an error of the wire.

    Args:
        frames: The script.
        name: The line's name.
    """

    def __init__(self, frames: Sequence[Frame], *, name: str = "memory") -> None:
        self._script = list(frames)
        self._inbox = bytearray()
        self._lock = asyncio.Lock()
        self._name = name
        self.is_open = False
        self.written: list[bytes] = []
        """Everything that was written, one entry a write."""

    @classmethod
    def from_lines(cls, *lines: str) -> "MemoryLine":
        r"""Build it from lines of the dialogue format.

        Example:
            >>> MemoryLine.from_lines(r"> 01VER\r", r"< \x0201SNE1000V3.928\x03").left
            2
        """
        return cls(_dialogue_from("lines", list(enumerate(lines, start=1))).frames)

    @property
    def name(self) -> str:
        """The line's name."""
        return self._name

    @property
    def left(self) -> int:
        """How many frames of the script have not been played."""
        return len(self._script)

    async def open(self) -> None:
        """Open it."""
        self.is_open = True

    async def close(self) -> None:
        """Close it."""
        self.is_open = False

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[None]:
        """Hold the line; stale input is discarded on entry."""
        async with self._lock:
            self._inbox.clear()
            yield

    async def write(self, data: bytes, *, timeout_s: float) -> None:
        """Check the bytes against the script and queue the replies to them.

        Raises:
            LineError: The line is closed.
        """
        del timeout_s
        if not self.is_open:
            raise LineError(f"line {self._name} is closed; this request was not sent")
        self.written.append(data)
        expected = self._script.pop(0) if self._script else None
        if expected is None or not expected.is_from_host or expected.data != data:
            raise AssertionError(f"wrote {data!r}, expected {expected}")
        while self._script and (self._script[0].wait_s or not self._script[0].is_from_host):
            self._inbox += self._script.pop(0).data

    async def read_until(
        self, terminator: bytes, *, timeout_s: float, max_bytes: int = MAX_FRAME_BYTES
    ) -> bytes:
        """Return the next frame of the script.

        Raises:
            OutcomeUnknown: The script has no reply here; the deadline passes first.
            ProtocolError: It is longer than `max_bytes`.
        """
        if terminator not in self._inbox:
            await asyncio.sleep(timeout_s)
            raise OutcomeUnknown(f"no reply on line {self._name} within {timeout_s:g} s")
        frame, _, rest = bytes(self._inbox).partition(terminator)
        if len(frame) + len(terminator) > max_bytes:
            raise ProtocolError(f"more than {max_bytes} bytes without an end", bytes(self._inbox))
        self._inbox[:] = rest
        return frame + terminator
