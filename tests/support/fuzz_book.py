"""Keeps the figures of long fuzz runs in one JSON file, one part for codecs and one for drivers.

One run at a time writes it; docs/DEVICES.md shows it.
"""

import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["keep", "origin"]

_ROOT = Path(__file__).parents[2]


def origin() -> dict[str, str]:
    """Return today's date and the commit that the files on disk belong to.

    The commit says so if drivers or pretend devices differ from it.
    """
    head = _git("rev-parse", "--short", "HEAD")
    changes = _git("status", "--porcelain", "--", "drivers", "simulators")
    date = datetime.now(UTC).date().isoformat()
    return {"date": date, "commit": f"{head} with changes" if changes else head}


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def keep(path: Path, part: str, found: Mapping[str, Mapping[str, object]]) -> None:
    """Put the figures of some devices into the file; the others' stay.

    Args:
        path: Made if it is not there.
        part: ``codecs`` or ``drivers``.
        found: Figures by device.
    """
    book = json.loads(path.read_text("utf-8")) if path.exists() else {}
    book[part] = {**book.get(part, {}), **found}
    path.write_text(json.dumps(book, indent=1, sort_keys=True) + "\n", encoding="utf-8")
