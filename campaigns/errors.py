"""The errors of campaigns: the file is wrong, or it asks for what cannot be.

```
CampaignError
├── CampaignFileError    the file holds mistakes; all of them are listed      (author fixes)
├── ExpressionError      a text is not an expression or a condition           (author fixes)
├── UndefinedValue       an expression has no value at this point             (caller decides)
└── NoFeasiblePoint      the file is sound, yet no point satisfies it         (author loosens)
```
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CampaignError",
    "CampaignFileError",
    "ExpressionError",
    "Finding",
    "NoFeasiblePoint",
    "Problem",
    "UndefinedValue",
    "shown",
]

_MAX_SHOWN = 80


class Finding(str):
    """What was found out, in words of its own rather than the file's: shown without quotes.

    Example:
        >>> print(Problem("space", Finding("no feasible point"), "at least one"))
        space: got no feasible point, expected at least one
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file.

    Example:
        >>> print(Problem("space.composition.step", 0, "a number above 0"))
        space.composition.step: got 0, expected a number above 0
    """

    key: str
    """Dotted key; an entry of a list carries its index from 0 and, where it has one, its name."""
    got: object
    """What the file says; None where it says nothing."""
    expected: str
    """What would have been right."""

    def __str__(self) -> str:
        where = f"{self.key}: " if self.key else ""
        return f"{where}got {shown(self.got)}, expected {self.expected}"


def shown(value: object) -> str:
    """Return a value as a reader of the file knows it, cut to one short line.

    Example:
        >>> shown("Al"), shown(True), shown(None), shown([1, 2])
        ("'Al'", 'true', 'nothing', '[1, 2]')
    """
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case Finding():
            text = str(value)
        case str():
            text = repr(value)
        case list() | tuple():
            text = "[" + ", ".join(shown(entry) for entry in value[:20]) + "]"
        case Mapping():
            text = "{" + ", ".join(map(str, list(value)[:20])) + "}"
        case _:
            text = str(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."


class CampaignError(Exception):
    """Anything that campaigns raise on purpose."""


class CampaignFileError(CampaignError):
    """A campaign file holds mistakes.

    Args:
        file: The file, as it was named.
        problems: Every mistake that was found, in the order of the file's sections.
    """

    def __init__(self, file: str | Path, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))
        self.file = str(file)
        self.problems = tuple(problems)


class ExpressionError(CampaignError, ValueError):
    """A text is not an expression or condition of the grammar.

    Args:
        text: The whole text.
        reason: What is wrong with it.
        position: Offset of the offending character from 0.
    """

    def __init__(self, text: str, reason: str, position: int = 0) -> None:
        super().__init__(f"{text!r}: {reason} (at character {position + 1})")
        self.text = text
        self.reason = reason
        self.position = position


class UndefinedValue(CampaignError, ArithmeticError):
    """An expression has no finite real value at a point, such as a division by zero."""


class NoFeasiblePoint(CampaignError):
    """No point of the space satisfies the campaign.

    Args:
        reasons: Why, one sentence each.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("no feasible point: " + "; ".join(reasons))
        self.reasons = tuple(reasons)
