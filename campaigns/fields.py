"""What the sections of a campaign file are made of: strict numbers, names, expressions."""

import keyword
import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar, Final, Self, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    model_validator,
)

from campaigns.errors import ExpressionError, Problem
from campaigns.expression import (
    Condition,
    Expression,
    parse_condition,
    parse_expression,
)
from campaigns.grammar import FUNCTIONS

__all__ = [
    "NAME_RULE",
    "Check",
    "ConditionField",
    "Count",
    "ExpressionField",
    "Label",
    "Mistake",
    "Mistakes",
    "NameField",
    "Natural",
    "NotNegative",
    "NumberField",
    "Positive",
    "Section",
    "is_name",
    "name_from",
    "not_empty",
    "number_from",
]

MAX_DIGITS: Final = 25
MAX_EXPONENT: Final = 300
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)
_RESERVED: Final = frozenset({"failed", *FUNCTIONS})
NAME_RULE: Final = "a name of letters, digits and _ that begins with a letter"


Entries = TypeVar("Entries", bound=Sized)


class Mistake(ValueError):
    """A single value is wrong.

    Args:
        got: What the file says.
        expected: What would have been right.
    """

    def __init__(self, got: object, expected: str) -> None:
        super().__init__(expected)
        self.got = got
        self.expected = expected


class Mistakes(ValueError):
    """A section whose values are right one by one is wrong as a whole.

    Args:
        problems: With keys that continue the section's own.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Check:
    """A check between fields of one section; it runs as soon as all that it needs could be read."""

    needs: tuple[str, ...]
    """Names of the fields, in the order of the function's arguments."""
    problems: Callable[..., Iterable[Problem]]
    """Returns the mistakes, with keys that continue the section's own."""
    takes_sketches: bool = False
    """It may also run on what `Section.sketched` makes of fields that are wrong."""


class Section(BaseModel):
    """What every table of the file is: frozen, with unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    checks: ClassVar[tuple[Check, ...]] = ()
    """What must hold between the fields."""

    @classmethod
    def filled(cls, given: Mapping[str, object]) -> Mapping[str, object]:
        """Return the section's table with the defaults that depend on other keys."""
        return given

    @classmethod
    def sketched(cls, given: Mapping[str, object]) -> Mapping[str, object]:
        """Return, by field, what can be told of values that may be wrong by themselves."""
        return {}

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: object) -> object:
        return dict(cls.filled(given)) if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _run_checks(self) -> Self:
        found = [
            problem
            for check in self.checks
            for problem in check.problems(*(getattr(self, name) for name in check.needs))
        ]
        if found:
            raise Mistakes(found)
        return self


def is_name(text: str) -> bool:
    """Say whether a text may name a component, parameter, computed quantity or objective.

    Example:
        >>> is_name("Li"), is_name("y0"), is_name("max"), is_name("2x")
        (True, True, False, False)
    """
    is_word = keyword.iskeyword(text) or text in _RESERVED
    return _NAME.fullmatch(text) is not None and not is_word


def number_from(value: object) -> Decimal:
    """Return a number of the file in its one spelling.

    Raises:
        Mistake: It is a boolean, a text or a table, not finite, or longer than a file may hold.
    """
    expected = "a finite number"
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Mistake(value, expected)
    if isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
        raise Mistake(value, f"a number of at most {MAX_DIGITS} digits")
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise Mistake(value, expected)
    if len(number.as_tuple().digits) > MAX_DIGITS:
        raise Mistake(value, f"a number of at most {MAX_DIGITS} digits")
    if number and abs(number.adjusted()) > MAX_EXPONENT:
        raise Mistake(value, f"a number between 1e-{MAX_EXPONENT} and 1e{MAX_EXPONENT} in size")
    return _tidied(number)


def _tidied(number: Decimal) -> Decimal:
    """Return the same number in one spelling: no trailing zeros, no exponent where short."""
    shortest = number.normalize()
    is_whole = number == 0 or (shortest.adjusted() < MAX_DIGITS and shortest == int(shortest))
    return Decimal(int(shortest)) if is_whole else shortest


def _count(value: object) -> int:
    expected = "a whole number"
    try:
        number = number_from(value)
    except Mistake as mistake:
        raise Mistake(value, expected) from mistake
    if abs(number) > 10**9 or number != int(number):
        raise Mistake(value, expected)
    return int(number)


def _label(value: object) -> str:
    if not isinstance(value, str):
        raise Mistake(value, "a text in quotes")
    if not value.replace("\n", "").isprintable() and value:
        raise Mistake(value, "a printable text")
    return value


def name_from(value: object) -> str:
    """Return the name of a component, parameter, computed quantity or goal.

    Raises:
        Mistake: It is no text, or none that may be such a name.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Mistake(value, NAME_RULE)
    if not is_name(value):
        raise Mistake(value, "another name: this one is a reserved word or a function")
    return value


def _natural(value: int) -> int:
    if value < 1:
        raise Mistake(value, "at least 1")
    return value


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise Mistake(value, "at least 0")
    return value


def not_empty(values: Entries) -> Entries:
    """Return a list of entries as it is.

    Raises:
        Mistake: It is empty.
    """
    if not values:
        raise Mistake([], "at least one entry")
    return values


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise Mistake(value, "a number above 0")
    return value


def _expression(value: object) -> Expression:
    if isinstance(value, Expression):
        return value
    text = str(number_from(value)) if not isinstance(value, str) else value
    try:
        return parse_expression(text)
    except ExpressionError as error:
        raise Mistake(value, _reason_of(error, "an expression")) from error


def _condition(value: object) -> Condition:
    if isinstance(value, Condition):
        return value
    if not isinstance(value, str):
        raise Mistake(value, "a condition in quotes, such as 'Cu + Mg <= 0.07'")
    try:
        return parse_condition(value)
    except ExpressionError as error:
        raise Mistake(value, _reason_of(error, "a condition")) from error


def _reason_of(error: ExpressionError, wanted: str) -> str:
    return f"{wanted}; at character {error.position + 1}: {error.reason}"


def _text_of(value: Expression | Condition) -> str:
    return value.text


NumberField: TypeAlias = Annotated[Decimal, PlainValidator(number_from)]
"""A finite number, exact as written; no boolean, no text."""
Count: TypeAlias = Annotated[int, PlainValidator(_count)]
"""A whole number; 3.0 is one, 3.5 and true are not."""
Natural: TypeAlias = Annotated[int, PlainValidator(_count), AfterValidator(_natural)]
"""A whole number from 1."""
Positive: TypeAlias = Annotated[Decimal, PlainValidator(number_from), AfterValidator(_positive)]
"""A number above 0."""
NotNegative: TypeAlias = Annotated[
    Decimal, PlainValidator(number_from), AfterValidator(_not_negative)
]
"""A number from 0."""
Label: TypeAlias = Annotated[str, PlainValidator(_label)]
"""A text for people."""
NameField: TypeAlias = Annotated[str, PlainValidator(name_from)]
"""A name that expressions may use."""
ExpressionField: TypeAlias = Annotated[
    Expression, PlainValidator(_expression), PlainSerializer(_text_of)
]
"""An expression in quotes, or a number."""
ConditionField: TypeAlias = Annotated[
    Condition, PlainValidator(_condition), PlainSerializer(_text_of)
]
"""A condition in quotes."""
