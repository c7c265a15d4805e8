"""Figures of single benchmarks, kept as small JSON files and shown on the page of benchmarks."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypedDict

__all__ = ["Saved", "load", "save", "saved_sections"]

FOLDER: Final = Path(__file__).parent / "results"


class Saved(TypedDict):
    """One benchmark's answer as the page shows it."""

    title: str
    text: str
    heads: list[str]
    rows: list[list[str]]
    load: float


def save(
    name: str, title: str, text: str, heads: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Keep a table of figures, with the machine's load beside it."""
    FOLDER.mkdir(exist_ok=True)
    content: Mapping[str, object] = {
        "title": title,
        "text": text,
        "heads": list(heads),
        "rows": [list(row) for row in rows],
        "load": round(os.getloadavg()[0], 1),
    }
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load(name: str) -> Saved | None:
    """Return what was kept under a name, if anything was."""
    path = FOLDER / f"{name}.json"
    if not path.exists():
        return None
    saved: Saved = json.loads(path.read_text(encoding="utf-8"))
    return saved


def saved_sections() -> list[str]:
    """Return every kept table as Markdown, by name."""
    lines: list[str] = []
    for path in sorted(FOLDER.glob("*.json")):
        saved = load(path.stem)
        assert saved is not None
        lines += [
            f"## {saved['title']}",
            "",
            f"{saved['text']} Load at the end: {saved['load']}.",
            "",
        ]
        lines += [f"| {' | '.join(saved['heads'])} |", f"|{'---|' * len(saved['heads'])}"]
        lines += [f"| {' | '.join(row)} |" for row in saved["rows"]]
        lines.append("")
    return lines
