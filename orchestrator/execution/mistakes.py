"""What pydantic finds wrong, in the words of those who write rig files and recipes."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from campaigns.errors import Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["dotted", "expected_in", "one_of", "problems_in"]


_WORDS: Final = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "mapping_type": "a table",
    "missing": "a value: it is required",
    "model_type": "a table",
    "string_too_short": "a text that is not empty",
    "string_type": "a text in quotes",
    "too_short": "at least one entry",
    "tuple_type": "a list",
}
"""What would have been right, by pydantic's name of the mistake."""


def one_of(known: Iterable[str], got: object) -> str:
    """Return what would have been right where a name is unknown.

    Args:
        known: The names there are.
        got: The name that is not among them.

    Example:
        >>> one_of(["balance", "pump_x1"], "balence")
        "one of balance, pump_x1 (did you mean 'balance'?)"
    """
    names = sorted(known)
    if not names:
        return "a name, but none is declared"
    close = difflib.get_close_matches(str(got), names, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"one of {', '.join(names)}{hint}"


def dotted(path: Sequence[str | int]) -> str:
    """Return the dotted key of a place in a file.

    Example:
        >>> dotted(("simulation", "fault", 0, "kind"))
        'simulation.fault[0].kind'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def problems_in(error: ValidationError, where: str) -> Iterator[Problem]:
    """Return every mistake in a table of settings.

    Args:
        error: What pydantic found.
        where: The dotted key of the table.
    """
    for mistake in error.errors(include_url=False):
        key = dotted((where, *mistake["loc"]))
        match mistake["type"]:
            case "missing":
                yield Problem(key, None, expected_in(mistake))
            case "extra_forbidden":
                yield Problem(key, mistake["loc"][-1], "no such key")
            case _:
                yield Problem(key, mistake["input"], expected_in(mistake))


def expected_in(mistake: "ErrorDetails") -> str:
    """Return what would have been right, in words."""
    words = _WORDS.get(mistake["type"])
    if words is None:
        return mistake["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return words.format_map(mistake.get("ctx", {}))
