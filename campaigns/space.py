"""The space that a campaign searches: one composition, process parameters, or both."""

import math
from collections.abc import Iterator
from decimal import Context, Decimal
from fractions import Fraction
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, PlainValidator, model_validator

from campaigns.errors import Problem
from campaigns.fields import (
    Count,
    Mistake,
    Mistakes,
    NameField,
    NumberField,
    Section,
)

__all__ = [
    "CategoricalParameter",
    "Composition",
    "DiscreteParameter",
    "Parameter",
    "RangeParameter",
    "Space",
]

MAX_LEVELS: Final = 100_000
MAX_STEPS: Final = 1_000_000
_EXACT: Final = Context(prec=1000)
"""Wide enough for every sum of two numbers that a file may hold."""
ELEMENTS: Final = frozenset(
    """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br
    Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho
    Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es
    Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
    """.split()  # noqa: SIM905 - a table of words, not 118 quoted lines
)
"""Symbols of the 118 elements that IUPAC has named."""


def _bounds(value: object) -> tuple[Decimal, Decimal]:
    expected = "two numbers [low, high] with 0 <= low <= high <= 1"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise Mistake(value, expected)
    if any(isinstance(end, bool) or not isinstance(end, int | float | Decimal) for end in value):
        raise Mistake(value, expected)
    low, high = (Decimal(repr(end)) if isinstance(end, float) else Decimal(end) for end in value)
    if not (low.is_finite() and high.is_finite() and 0 <= low <= high <= 1):
        raise Mistake(value, expected)
    if any(end and end.adjusted() < -30 for end in (low, high)):
        raise Mistake(value, expected + ", no closer to 0 than 1e-30")
    return low, high


Bounds: TypeAlias = Annotated[tuple[Decimal, Decimal], PlainValidator(_bounds)]


class Composition(Section):
    """Fractions of one mixture; they sum to 1 and are whole multiples of the step.

    Example:
        >>> mixture = Composition(elements=["Al", "Cu"], step=0.1, bounds={"Cu": [0.05, 0.4]})
        >>> mixture.n_steps, mixture.count_bounds
        (10, ((0, 10), (1, 4)))
    """

    elements: tuple[str, ...] | None = None
    """Symbols of chemical elements; either these or components."""
    components: tuple[NameField, ...] | None = None
    """Free names; either these or elements."""
    basis: Literal["mass_fraction", "atomic_fraction", "volume_fraction"] = "mass_fraction"
    """What the fractions are fractions of."""
    bounds: dict[str, Bounds] = Field(default_factory=dict)
    """Lowest and highest fraction by component, inclusive; [0, 1] where absent."""
    max_active: Count
    """How many components may be present at once; all of them by default."""
    min_active_fraction: NumberField
    """A component is absent or at least this; one step by default."""
    step: NumberField
    """The smallest difference between fractions that can be weighed; 1 is a multiple of it."""

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        filled = dict(given)
        names = given.get("elements", given.get("components"))
        if isinstance(names, list | tuple):
            filled.setdefault("max_active", max(1, len(names)))
        elif "max_active" not in filled:
            filled["max_active"] = 1
        if "min_active_fraction" not in filled:
            step = given.get("step")
            is_number = isinstance(step, int | float | Decimal) and not isinstance(step, bool)
            filled["min_active_fraction"] = step if is_number else 0
        return filled

    @model_validator(mode="after")
    def _check(self) -> "Composition":
        for check in (self._name_problems, self._value_problems, self._sum_problems):
            if problems := list(check()):
                raise Mistakes(problems)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Elements or components, in the order of the file."""
        return self.elements or self.components or ()

    @property
    def n_steps(self) -> int:
        """How many steps make up 1."""
        return int(1 / Fraction(self.step))

    @property
    def min_active_count(self) -> int:
        """The fewest steps of a component that is present, at least 1."""
        return max(1, math.ceil(Fraction(self.min_active_fraction) * self.n_steps))

    @property
    def count_bounds(self) -> tuple[tuple[int, int], ...]:
        """Bounds in steps by component, inclusive, rounded inwards; low 0 means may be absent."""
        n = self.n_steps
        whole = (Decimal(0), Decimal(1))
        ends = (self.bounds.get(name, whole) for name in self.names)
        return tuple(
            (math.ceil(Fraction(low) * n), math.floor(Fraction(high) * n)) for low, high in ends
        )

    def _name_problems(self) -> Iterator[Problem]:
        if (self.elements is None) == (self.components is None):
            got = "neither" if self.elements is None else "both"
            yield Problem("", f"{got} of elements and components", "one of the two")
            return
        key = "components" if self.elements is None else "elements"
        if not self.names:
            yield Problem(key, [], "at least one name")
        for index, name in enumerate(self.names):
            if name in self.names[:index]:
                yield Problem(f"{key}[{index}]", name, "a name that is not yet in the list")
            elif self.elements is not None and name not in ELEMENTS:
                yield Problem(f"{key}[{index}]", name, "the symbol of a chemical element")

    def _value_problems(self) -> Iterator[Problem]:
        for name in self.bounds:
            if name not in self.names:
                yield Problem(f"bounds.{name}", name, f"one of {', '.join(self.names)}")
        if not 0 < self.step <= 1 or (1 / Fraction(self.step)).denominator != 1:
            expected = "a step of which 1 is a whole multiple, such as 0.1, 0.05 or 0.002"
            yield Problem("step", self.step, expected)
        elif self.n_steps > MAX_STEPS:
            yield Problem("step", self.step, f"at least {1 / Decimal(MAX_STEPS)}")
        if not 1 <= self.max_active <= len(self.names):
            yield Problem("max_active", self.max_active, f"1 to {len(self.names)}")
        if not 0 <= self.min_active_fraction <= 1:
            yield Problem("min_active_fraction", self.min_active_fraction, "a number from 0 to 1")

    def _sum_problems(self) -> Iterator[Problem]:
        is_sound = True
        for name, (low, high) in zip(self.names, self.count_bounds, strict=True):
            got = self.bounds.get(name)
            if low > high:
                is_sound = False
                yield Problem(f"bounds.{name}", got, f"a multiple of the step {self.step} within")
            elif 0 < high < self.min_active_count:
                is_sound = False
                least = self.min_active_count * self.step
                expected = f"a high of 0 or at least {least}, the least of a present component"
                yield Problem(f"bounds.{name}", got, expected)
        if is_sound:
            yield from self._reach_problems()

    def _reach_problems(self) -> Iterator[Problem]:
        least, n = self.min_active_count, self.n_steps
        required = [(max(low, least), high) for low, high in self.count_bounds if low > 0]
        optional = sorted(high for low, high in self.count_bounds if low == 0 < high)
        if len(required) > self.max_active:
            expected = f"at least {len(required)}, which have a low bound above 0"
            yield Problem("max_active", self.max_active, expected)
            return
        fewest = sum(low for low, _ in required)
        most = sum(high for _, high in required)
        room = min(len(optional), self.max_active - len(required))
        highs = [most + sum(optional[len(optional) - k :]) for k in range(room + 1)]
        if any(fewest + k * least <= n <= highs[k] for k in range(room + 1)):
            return
        if fewest > n:
            got = f"low bounds that sum to at least {fewest * self.step}"
        elif highs[-1] < n:
            got = f"high bounds of {self.max_active} components that sum to {highs[-1] * self.step}"
        else:
            got = f"bounds whose sums of whole steps of {self.step} miss 1"
        yield Problem("bounds", got, "bounds within which the fractions can sum to 1")


class RangeParameter(Section):
    """A number from low to high in steps from low."""

    name: NameField
    kind: Literal["range"] = "range"
    low: NumberField
    high: NumberField
    step: NumberField
    """Distance of two levels; the last level is the last one that does not exceed high."""

    @model_validator(mode="after")
    def _check(self) -> "RangeParameter":
        if self.step <= 0:
            raise Mistakes([Problem("step", self.step, "a number above 0")])
        if self.low > self.high:
            raise Mistakes([Problem("high", self.high, f"at least low, which is {self.low}")])
        if self._n_levels > MAX_LEVELS:
            raise Mistakes(
                [Problem("step", self.step, f"a step that gives <= {MAX_LEVELS} levels")]
            )
        return self

    @property
    def _n_levels(self) -> int:
        span = Fraction(self.high) - Fraction(self.low)
        return math.floor(span / Fraction(self.step)) + 1

    @property
    def levels(self) -> tuple[Decimal, ...]:
        """Every value that the parameter may take, ascending."""
        times, plus = _EXACT.multiply, _EXACT.add
        return tuple(plus(self.low, times(index, self.step)) for index in range(self._n_levels))


class DiscreteParameter(Section):
    """One of some numbers."""

    name: NameField
    kind: Literal["discrete"] = "discrete"
    values: tuple[NumberField, ...]

    @model_validator(mode="after")
    def _check(self) -> "DiscreteParameter":
        _refuse_repeated(self.values)
        return self

    @property
    def levels(self) -> tuple[Decimal, ...]:
        """Every value that the parameter may take, ascending."""
        return tuple(sorted(self.values))


def _category(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value or "'" in value:
        raise Mistake(value, "a printable text in quotes, not empty, without a ' in it")
    return value


class CategoricalParameter(Section):
    """One of some texts."""

    name: NameField
    kind: Literal["categorical"] = "categorical"
    values: tuple[Annotated[str, PlainValidator(_category)], ...]

    @model_validator(mode="after")
    def _check(self) -> "CategoricalParameter":
        _refuse_repeated(self.values)
        return self

    @property
    def levels(self) -> tuple[str, ...]:
        """Every category, in the order of the file."""
        return self.values


def _refuse_repeated(values: tuple[object, ...]) -> None:
    if not values:
        raise Mistakes([Problem("values", [], "at least one value")])
    repeated = [index for index, value in enumerate(values) if value in values[:index]]
    if repeated:
        got, key = values[repeated[0]], f"values[{repeated[0]}]"
        raise Mistakes([Problem(key, got, "a value that is not yet in the list")])


Parameter: TypeAlias = Annotated[
    RangeParameter | DiscreteParameter | CategoricalParameter, Field(discriminator="kind")
]


class Space(Section):
    """A composition, parameters, or both."""

    composition: Composition | None = None
    parameters: tuple[Parameter, ...] = Field(default=(), alias="parameter")

    @model_validator(mode="after")
    def _check(self) -> "Space":
        if self.composition is None and not self.parameters:
            raise Mistakes([Problem("", None, "a composition or at least one parameter")])
        return self

    @property
    def components(self) -> tuple[str, ...]:
        """Names of the components; none without a composition."""
        return self.composition.names if self.composition else ()

    @property
    def names(self) -> tuple[str, ...]:
        """Components, then parameters, in the order of the file."""
        return self.components + tuple(parameter.name for parameter in self.parameters)

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """Categories by categorical parameter."""
        return {p.name: p.values for p in self.parameters if isinstance(p, CategoricalParameter)}
