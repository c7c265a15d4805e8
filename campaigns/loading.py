"""Campaign files read from disk and checked, with the CSV file of points that it may name."""

import re
import tomllib
from ast import literal_eval
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from campaigns.consistency import one_of, problems_between
from campaigns.drafting import draft_of, problems_of_parts
from campaigns.errors import CampaignFileError, Problem
from campaigns.point_file import with_points
from campaigns.spec import CampaignSpec, is_planner_name
from campaigns.structure import below, key_of, problems_from

__all__ = ["campaign_from_text", "load_campaign"]

MAX_BYTES: Final = 1_000_000
_WHOLE_FILE: Final = "(file)"
_PLANNERS: Final = "athanor.planners"
_TABLE_IN_REASON: Final = re.compile(r"\((?:'[^']*'|\"[^\"]*\")(?:, (?:'[^']*'|\"[^\"]*\"))*,?\)")
_REASONS: Final = {
    "Cannot declare ": "a second table ",
    " twice": "",
    "Cannot overwrite a value": "a key for the second time",
}


def load_campaign(path: str | Path) -> CampaignSpec:
    """Read and check a campaign file.

    Args:
        path: A TOML file in UTF-8, at most 1 MB.

    Raises:
        CampaignFileError: The file cannot be read or holds mistakes; it lists all of them.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise CampaignFileError(
                path, [Problem(_WHOLE_FILE, f"{size} bytes", f"at most {MAX_BYTES} bytes")]
            )
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        got = error.strerror or str(error)
        raise CampaignFileError(path, [Problem(_WHOLE_FILE, got, "a readable file")]) from error
    except UnicodeDecodeError as error:
        got = f"byte {error.object[error.start]:#04x} at offset {error.start}"
        raise CampaignFileError(path, [Problem(_WHOLE_FILE, got, "UTF-8 text")]) from error
    return campaign_from_text(text, file=path)


def campaign_from_text(text: str, *, file: str | Path) -> CampaignSpec:
    r"""Check a campaign file's text.

    Args:
        text: The file's content, in TOML.
        file: What to call it in messages; a list of points is looked for in its folder.

    Raises:
        CampaignFileError: The text is not TOML or holds mistakes; it lists all of them.

    Example:
        >>> try:
        ...     campaign_from_text("[campaign]\nname = 5", file="a.toml")
        ... except CampaignFileError as error:
        ...     print(error)
        a.toml: campaign.name: got 5, expected a name of letters, digits, - and _
        a.toml: space: got nothing, expected a table [space] (required)
        a.toml: objective: got nothing, expected at least one [[objective]] (required)
    """
    try:
        document = tomllib.loads(text, parse_float=_decimal)
    except (ValueError, RecursionError) as error:
        got = _in_words_of_toml(str(error)) or "tables or lists nested too deeply"
        raise CampaignFileError(file, [Problem(_WHOLE_FILE, got, "TOML")]) from error
    document, problems = with_points(document, Path(file).parent)
    problems += _planner_problems(document)
    try:
        campaign = CampaignSpec.model_validate(document)
    except ValidationError as error:
        raise CampaignFileError(file, _problems(error, document) + problems) from error
    if problems:
        raise CampaignFileError(file, problems)
    return campaign


def _in_words_of_toml(reason: str) -> str:
    """Return why a text is not TOML, tables named as the file names them."""
    named = _TABLE_IN_REASON.sub(lambda found: f"[{'.'.join(literal_eval(found[0]))}]", reason)
    for begin, instead in _REASONS.items():
        named = named.replace(begin, instead)
    return named


def _planner_problems(document: Mapping[str, object]) -> Iterator[Problem]:
    """Yield the planner that a file names, if none of that name is installed."""
    planner = document.get("planner")
    name = planner.get("name") if isinstance(planner, dict) else None
    if isinstance(name, str) and is_planner_name(name):
        known = sorted({entry.name for entry in entry_points(group=_PLANNERS)})
        if name not in known:
            yield Problem("planner.name", name, one_of(known, name))


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text.replace("_", ""))
    except InvalidOperation:
        raise ValueError(f"{text[:40]} is no number that can be worked with") from None


def _problems(error: ValidationError, document: Mapping[str, object]) -> list[Problem]:
    """Return the mistakes of single values, within sections, and between sections, once each."""
    found: list[Problem] = []
    for entry in error.errors(include_url=False):
        found += problems_from(entry, document)
    for path, problem in problems_of_parts(CampaignSpec, document):
        found.append(below(key_of(path, document), problem))
    told = {problem.key for problem in found}
    found += [one for one in problems_between(draft_of(document)) if one.key not in told]
    return [one for index, one in enumerate(found) if one not in found[:index]]
