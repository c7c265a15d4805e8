"""What somebody gives as a campaign file is looked at before anything of it touches the disk."""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from typing import Final

from campaigns.errors import Problem
from orchestrator.errors import RequestRefused
from orchestrator.service.launching.views import CampaignText
from orchestrator.service.problems import ProblemView, problem_view

__all__ = ["MAX_BYTES", "campaign_name_in", "checked", "problems_of_points", "sha256_of"]

MAX_BYTES: Final = 1_000_000
"""Of a campaign file, and of a list of points."""
_CAMPAIGN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,94}\.toml")
_POINTS_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,94}\.csv")
_MOST_SHOWN: Final = 100
_MOST_PARTS: Final = 30
_PART: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_KEY: Final = re.compile(
    rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*\.[ \t]*{_PART}){{{_MOST_PARTS}}}"
)
"""A key of very many parts: reading it takes a time that grows with their square, half an hour for
a file that is one key.
"""


def checked(source: CampaignText) -> CampaignText:
    """Return a campaign file whose names are harmless and whose texts are short enough.

    Line ends become those of Unix, as a browser's form sends others.

    Args:
        source: As it was given.

    Raises:
        RequestRefused: A name has path parts or is too long, or a text is too long or no text.
    """
    _refuse_name(source.file_name, _CAMPAIGN_NAME, "campaign file", ".toml")
    if source.points_name or source.points_text:
        _refuse_name(source.points_name, _POINTS_NAME, "list of points", ".csv")
    text = _checked_text(source.file_name, source.text)
    if _LONG_KEY.search(text):
        raise RequestRefused(
            f"{source.file_name}: got more than {_MOST_PARTS} words joined by dots, expected a key "
            "of a campaign file"
        )
    points = _checked_text(source.points_name, source.points_text)
    return source.model_copy(update={"text": text, "points_text": points})


def _refuse_name(name: str, pattern: re.Pattern[str], what: str, suffix: str) -> None:
    if pattern.fullmatch(name) is None or ".." in name:
        raise RequestRefused(
            f"name of the {what}: got {name[:_MOST_SHOWN]!r}, expected letters, digits, . _ and -, "
            f"at most 100 of them, ending in {suffix}, without a folder"
        )


def _checked_text(name: str, text: str) -> str:
    unix = text.replace("\r\n", "\n")
    try:
        size = len(unix.encode())
    except UnicodeEncodeError as error:
        raise RequestRefused(f"{name}: got a half character, expected UTF-8 text") from error
    if size > MAX_BYTES:
        raise RequestRefused(f"{name}: got {size} bytes, expected at most {MAX_BYTES}")
    return unix


def sha256_of(source: CampaignText) -> str:
    """Return what tells two campaign files apart: their text, and their list of points."""
    said = [source.text, source.points_name, source.points_text]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _tables(text: str) -> dict[str, object]:
    """Return a file's content, or nothing if it is not TOML: whoever checks it says so better."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def campaign_name_in(source: CampaignText) -> str:
    """Return the name that a file gives its campaigns; empty if it gives none."""
    header = _tables(source.text).get("campaign")
    name = header.get("name") if isinstance(header, dict) else None
    return name if isinstance(name, str) else ""


def problems_of_points(source: CampaignText) -> Iterator[ProblemView]:
    """Yield what is wrong with how a file names its list of points.

    A list is never read from anywhere but from what was given with the file.

    Args:
        source: With harmless names.
    """
    space = _tables(source.text).get("space")
    named = space.get("points") if isinstance(space, dict) else None
    if isinstance(named, str) and named != source.points_name:
        expected = "the name of the list that is given with the file"
        if source.points_name:
            expected += f", {source.points_name}"
        yield problem_view(source.file_name, Problem("space.points", named, expected))
    elif not isinstance(named, str) and source.points_name and _tables(source.text):
        expected = f"{source.points_name!r}, the list that is given with the file"
        yield problem_view(source.file_name, Problem("space.points", named, expected))
