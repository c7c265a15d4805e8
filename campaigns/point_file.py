"""A list of samples in a CSV file, made part of the campaign, so that the log holds all of it."""

import csv
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from campaigns.errors import Finding, Problem
from campaigns.fields import Mistake, Mistakes, number_from
from campaigns.space import MAX_POINTS, Composition

__all__ = ["with_points"]

MAX_BYTES: Final = 20_000_000
_SUM_WITHIN: Final = Fraction(2, 100)
"""How far from 1 the fractions of a row may sum to, as for observations."""
_MOST_TOLD: Final = 5
Document: TypeAlias = dict[str, Any]  # Any: TOML's values
Columns: TypeAlias = dict[str, list[Decimal | str]]


def with_points(document: Document, folder: Path) -> tuple[Document, list[Problem]]:
    """Return a campaign file's content with the rows of the list that it names, if it names one.

    Args:
        document: The content as TOML gives it, right or wrong.
        folder: Where the campaign file lies; the list's name is relative to it.

    Returns:
        The content, without the list if that cannot be read; and what is wrong with the list.
    """
    space = document.get("space")
    name = space.get("points") if isinstance(space, dict) else None
    if not isinstance(space, dict) or not isinstance(name, str):
        return document, []
    try:
        columns = _columns(folder / name, name, space)
    except Mistakes as mistakes:
        rest = {key: value for key, value in space.items() if key != "points"}
        return {**document, "space": rest}, list(mistakes.problems)
    return {**document, "space": {**space, "points": columns}}, []


def _columns(path: Path, name: str, space: Document) -> Columns:
    headings, rows = _cells(path, name)
    texts, components = _categorical(space), _components(space)
    names = [*components, *_named(space.get("parameter"))]
    missing = [each for each in names if each not in headings]
    if missing:
        expected = f"a column for every component and parameter; {missing[0]} has none"
        raise Mistakes(
            [Problem("space.points", Finding(f"{name}: {', '.join(headings)}"), expected)]
        )
    problems: list[Problem] = []
    columns: Columns = {}
    for each in names:
        column = headings.index(each)
        columns[each] = []
        for index, row in enumerate(rows):
            try:
                value = row[column].strip()
                columns[each].append(value if each in texts else _number(value))
            except Mistake as mistake:
                problems.append(
                    Problem(f"{_place(name, index)}: {each}", mistake.got, str(mistake))
                )
    if not problems and components:
        problems += _gridded(columns, components, space["composition"], name)
    if problems:
        more = len(problems) - _MOST_TOLD
        told = problems[:_MOST_TOLD]
        if more > 0:
            told.append(
                Problem("space.points", Finding(f"{more} more such rows of {name}"), "none")
            )
        raise Mistakes(told)
    return columns


def _cells(path: Path, name: str) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows as text; empty lines are left out."""

    def refused(got: object, expected: str) -> Mistakes:
        return Mistakes([Problem("space.points", got, expected)])

    try:
        if path.stat().st_size > MAX_BYTES:
            raise refused(Finding(f"{name} of {path.stat().st_size} bytes"), f"at most {MAX_BYTES}")
        lines = list(csv.reader(StringIO(path.read_text(encoding="utf-8-sig")), strict=True))
    except OSError as error:
        raise refused(name, f"a CSV file beside the campaign file; {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise refused(name, f"a CSV file in UTF-8; byte {error.start} is not") from error
    except csv.Error as error:
        raise refused(name, f"a CSV file; {error}") from error
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    if len(lines) < 2:
        raise refused(name, "a CSV file with a heading and at least one row")
    if len(lines) > MAX_POINTS + 1:
        raise refused(Finding(f"{name} of {len(lines) - 1} rows"), f"at most {MAX_POINTS}")
    headings = [cell.strip() for cell in lines[0]]
    for heading in headings:
        if headings.count(heading) > 1:
            raise refused(Finding(f"{name}: column {heading!r} twice"), "each column once")
    for index, line in enumerate(lines[1:]):
        if len(line) != len(headings):
            got = Finding(f"{len(line)} fields")
            expected = f"{len(headings)}, as in the heading"
            raise Mistakes([Problem(_place(name, index), got, expected)])
    return headings, lines[1:]


def _place(name: str, index: int) -> str:
    return f"space.points: {name} row {index + 1}"


def _number(text: str) -> Decimal:
    try:
        return number_from(Decimal(text))
    except InvalidOperation as error:
        raise Mistake(text, "a number") from error


def _gridded(
    columns: Columns, components: Sequence[str], composition: Document, name: str
) -> Iterator[Problem]:
    """Bring fractions to whole steps that sum to 1; yield rows whose sum is too far from it.

    The parts with the largest remainders are rounded up. A composition that is wrong itself is
    left to its own message.
    """
    try:
        n_steps = Composition.model_validate(composition).n_steps
    except ValidationError:
        return
    for index in range(len(columns[components[0]])):
        values = [Fraction(columns[each][index]) for each in components]
        total = sum(values, Fraction())
        if abs(total - 1) > _SUM_WITHIN:
            got = Finding(f"a sum of {float(total):.6g}")
            yield Problem(_place(name, index), got, "fractions that sum to 1 within 0.02")
            continue
        shares = [value / total * n_steps for value in values]
        counts = [int(share // 1) for share in shares]
        rests = [share - count for share, count in zip(shares, counts, strict=True)]
        order = sorted(range(len(rests)), key=lambda place: -rests[place])
        for place in order[: n_steps - sum(counts)]:
            counts[place] += 1
        for each, count in zip(components, counts, strict=True):
            exact = Decimal(count) * Decimal(str(composition["step"]))
            columns[each][index] = number_from(exact)


def _components(space: Document) -> list[str]:
    composition = space.get("composition")
    if not isinstance(composition, dict):
        return []
    lists = (composition.get(key) for key in ("elements", "components"))
    return [name for one in lists if isinstance(one, list) for name in one if isinstance(name, str)]


def _named(parameters: object) -> list[str]:
    tables = parameters if isinstance(parameters, list) else []
    names = (table.get("name") for table in tables if isinstance(table, dict))
    return [name for name in names if isinstance(name, str)]


def _categorical(space: Document) -> set[str]:
    parameters = space.get("parameter")
    tables = parameters if isinstance(parameters, list) else []
    kinds = [t for t in tables if isinstance(t, dict) and t.get("kind") == "categorical"]
    return set(_named(kinds))
