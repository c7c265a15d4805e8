"""What host and device say to each other; the format of transcripts is in docs/DRIVERS.md."""

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Dialogue", "Frame", "dialogue_from", "lines_of", "read_dialogues"]


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
    """Read a file of dialogues; its format is in docs/DRIVERS.md.

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
            dialogue = dialogue_from(path.name, lines)
            dialogues.extend([dialogue] if dialogue.frames else [])
            lines = []
    return tuple(dialogues)


def dialogue_from(name: str, lines: Sequence[tuple[int, str]]) -> Dialogue:
    """Read the lines of one dialogue.

    Args:
        name: Of the file, for messages.
        lines: Each with its number.

    Raises:
        ValueError: A line has no known form.
    """
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


def lines_of(dialogue: Dialogue) -> list[str]:
    r"""Return the lines of a transcript that `read_dialogues` reads as this dialogue.

    Example:
        >>> lines_of(Dialogue("who", (Frame(b"I1\r\n", is_from_host=True),)))
        ['# who', '> I1\\r\\n']
    """
    lines = [f"# {dialogue.title}"] if dialogue.title else []
    if dialogue.given:
        lines.append(f"# given {json.dumps(dialogue.given)}")
    if dialogue.is_codec_only:
        lines.append("# codec only")
    for frame in dialogue.frames:
        if frame.wait_s:
            lines.append(f"# wait {frame.wait_s:g}")
            continue
        lines.append(f"{'>' if frame.is_from_host else '<'} {_escaped(frame.data)}")
        if frame.meaning is not None:
            lines.append(f"@ {json.dumps(frame.meaning)}")
    return lines


def _escaped(data: bytes) -> str:
    """Return bytes as the escapes of a transcript."""
    return repr(b'"' + data)[3:-1].replace("\\'", "'")
