"""Reference samples: one known point made again and again, to see whether the bench drifts."""

from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, PlainValidator

from campaigns.fields import (
    Mistake,
    NameField,
    Natural,
    NumberField,
    Positive,
    Section,
    not_empty,
    number_from,
)

__all__ = ["Expected", "Reference"]


def _value(value: object) -> Decimal | str:
    if isinstance(value, str):
        return value
    try:
        return number_from(value)
    except Mistake as mistake:
        raise Mistake(value, "a finite number, or a category in quotes") from mistake


PointValue: TypeAlias = Annotated[Decimal | str, PlainValidator(_value)]


class Expected(Section):
    """One [[reference.expected]]: what the reference sample gives on a sound bench."""

    name: NameField
    """A measured objective or outcome."""
    value: NumberField
    tolerance: Positive
    """How far from it a result may lie, in its unit."""


class Reference(Section):
    """The table [reference]."""

    every_n_experiments: Natural
    """After so many experiments of the search, one reference sample is made."""
    point: Annotated[dict[str, PointValue], AfterValidator(not_empty)]
    """A value for every component and parameter; a point of the space."""
    expected: tuple[Expected, ...] = ()
    """What it should give; without it the first reference samples say what is usual."""
