"""The space that a campaign searches: one composition, process parameters, or both."""

import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from functools import cached_property
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, Field, PlainValidator
from typing_extensions import override

from campaigns.errors import Problem
from campaigns.fields import (
    NAME_RULE,
    Check,
    Count,
    Mistake,
    Mistakes,
    NameField,
    NumberField,
    Positive,
    Section,
    is_name,
    number_from,
)
from campaigns.reach import (
    bound_problems,
    bounds_in_steps,
    max_active_problems,
    one_list_problems,
    present_count,
    reach_problems,
    unknown_bound_problems,
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
MAX_POINTS: Final = 20_000
"""Rows of a list of points."""
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


def _bounds_or_whole(value: object) -> tuple[Decimal, Decimal]:
    try:
        return _bounds(value)
    except Mistake:
        return Decimal(0), Decimal(1)  # its own mistake is told


Bounds: TypeAlias = Annotated[tuple[Decimal, Decimal], PlainValidator(_bounds)]


def _is_element(index: int, name: str) -> Iterator[Problem]:
    if name not in ELEMENTS:
        yield Problem(f"[{index}]", name, "the symbol of a chemical element")


def _is_free_name(index: int, name: str) -> Iterator[Problem]:
    if not is_name(name):
        yield Problem(f"[{index}]", name, NAME_RULE + ", not a reserved word")


def _list_of(
    rule: Callable[[int, str], Iterator[Problem]],
) -> Callable[[object], tuple[str, ...]]:
    def names(value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not value:
            raise Mistake(value, "a list of at least one name")
        problems: list[Problem] = []
        for index, name in enumerate(value):
            if not isinstance(name, str):
                problems.append(Problem(f"[{index}]", name, "a name in quotes"))
            elif name in value[:index]:
                expected = "a name that is not yet in the list"
                problems.append(Problem(f"[{index}]", name, expected))
            else:
                problems += rule(index, name)
        if problems:
            raise Mistakes(problems)
        return tuple(value)

    return names


def _step(value: object) -> Decimal:
    expected = "a step of which 1 is a whole multiple, such as 0.1, 0.05 or 0.002"
    try:
        step = number_from(value)
    except Mistake as mistake:
        raise Mistake(value, expected) from mistake
    if not 0 < step <= 1 or (1 / Fraction(step)).denominator != 1:
        raise Mistake(value, expected)
    if 1 / Fraction(step) > MAX_STEPS:
        raise Mistake(value, f"a step of at least {1 / Decimal(MAX_STEPS)}")
    return step


def _fraction(value: object) -> Decimal:
    fraction = number_from(value)
    if not 0 <= fraction <= 1:
        raise Mistake(value, "a number from 0 to 1")
    return fraction


Elements: TypeAlias = Annotated[tuple[str, ...], PlainValidator(_list_of(_is_element))]
Components: TypeAlias = Annotated[tuple[str, ...], PlainValidator(_list_of(_is_free_name))]


class Composition(Section):
    """Fractions of one mixture; they sum to 1 and are whole multiples of the step.

    Example:
        >>> mixture = Composition(elements=["Al", "Cu"], step=0.1, bounds={"Cu": [0.05, 0.4]})
        >>> mixture.n_steps, mixture.count_bounds
        (10, ((0, 10), (1, 4)))
    """

    checks: ClassVar[tuple[Check, ...]] = (
        Check(("elements", "components"), one_list_problems, takes_sketches=True),
        Check(("elements", "components", "bounds"), unknown_bound_problems, takes_sketches=True),
        Check(("elements", "components", "max_active"), max_active_problems, takes_sketches=True),
        Check(("bounds", "min_active_fraction", "step"), bound_problems, takes_sketches=True),
        Check(
            ("elements", "components", "bounds", "max_active", "min_active_fraction", "step"),
            reach_problems,
        ),
    )
    elements: Elements | None = None
    """Symbols of chemical elements; either these or components."""
    components: Components | None = None
    """Free names; either these or elements."""
    basis: Literal["mass_fraction", "atomic_fraction", "volume_fraction"] = "mass_fraction"
    """What the fractions are fractions of."""
    bounds: dict[str, Bounds] = Field(default_factory=dict)
    """Lowest and highest fraction by component, inclusive; [0, 1] where absent."""
    max_active: Count
    """How many components may be present at once; all of them by default."""
    min_active_fraction: Annotated[Decimal, PlainValidator(_fraction)]
    """A component is absent or at least this; one step by default."""
    step: Annotated[Decimal, PlainValidator(_step)]
    """The smallest difference between fractions that can be weighed; 1 is a multiple of it."""

    @classmethod
    @override
    def filled(cls, given: Mapping[str, object]) -> Mapping[str, object]:
        names = given.get("elements", given.get("components"))
        n_names = len(names) if isinstance(names, list | tuple) else 1
        try:
            least = _fraction(given.get("step"))
        except Mistake:
            least = Decimal(0)  # the step's own mistake is told
        return {"max_active": max(1, n_names), "min_active_fraction": least} | dict(given)

    @classmethod
    @override
    def sketched(cls, given: Mapping[str, object]) -> Mapping[str, object]:
        sketch: dict[str, object] = {}
        for key in ("elements", "components"):
            if key in given:
                names = given[key]
                sketch[key] = tuple(map(str, names)) if isinstance(names, list | tuple) else ()
        bounds = given.get("bounds")
        if isinstance(bounds, dict):
            sketch["bounds"] = {name: _bounds_or_whole(ends) for name, ends in bounds.items()}
        return sketch

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
        return present_count(self.min_active_fraction, self.n_steps)

    @property
    def count_bounds(self) -> tuple[tuple[int, int], ...]:
        """Bounds in steps by component, inclusive, rounded inwards; low 0 means may be absent.

        A component that may be absent and cannot reach `min_active_fraction` has (0, 0).
        """
        least = self.min_active_count
        return tuple(bounds_in_steps(self.names, self.bounds, self.n_steps, least))


def _n_levels(low: Decimal, high: Decimal, step: Decimal) -> int:
    return math.floor((Fraction(high) - Fraction(low)) / Fraction(step)) + 1


def _ends(low: Decimal, high: Decimal) -> Iterator[Problem]:
    if low > high:
        yield Problem("high", high, f"at least low, which is {low}")


def _level_count(low: Decimal, high: Decimal, step: Decimal) -> Iterator[Problem]:
    if _n_levels(low, high, step) > MAX_LEVELS:
        yield Problem("step", step, f"a step that gives at most {MAX_LEVELS} levels")


class RangeParameter(Section):
    """A number from low to high in steps from low."""

    checks: ClassVar[tuple[Check, ...]] = (
        Check(("low", "high"), _ends),
        Check(("low", "high", "step"), _level_count),
    )
    name: NameField
    kind: Literal["range"] = "range"
    low: NumberField
    high: NumberField
    step: Positive
    """Distance of two levels; the last level is the last one that does not exceed high."""

    @property
    def levels(self) -> tuple[Decimal, ...]:
        """Every value that the parameter may take, ascending."""
        n_levels = _n_levels(self.low, self.high, self.step)
        times, plus = _EXACT.multiply, _EXACT.add
        return tuple(plus(self.low, times(index, self.step)) for index in range(n_levels))


Values = TypeVar("Values", bound=tuple[object, ...])


def _distinct(values: Values) -> Values:
    if not values:
        raise Mistake([], "at least one value")
    repeated = [index for index, value in enumerate(values) if value in values[:index]]
    if repeated:
        index = repeated[0]
        expected = "a value that is not yet in the list"
        raise Mistakes([Problem(f"[{index}]", values[index], expected)])
    return values


class DiscreteParameter(Section):
    """One of some numbers."""

    name: NameField
    kind: Literal["discrete"] = "discrete"
    values: Annotated[tuple[NumberField, ...], AfterValidator(_distinct)]

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
    values: Annotated[
        tuple[Annotated[str, PlainValidator(_category)], ...], AfterValidator(_distinct)
    ]

    @property
    def levels(self) -> tuple[str, ...]:
        """Every category, in the order of the file."""
        return self.values


Parameter: TypeAlias = Annotated[
    RangeParameter | DiscreteParameter | CategoricalParameter, Field(discriminator="kind")
]


def _something(
    composition: Composition | None, parameters: tuple[Parameter, ...]
) -> Iterator[Problem]:
    if composition is None and not parameters:
        yield Problem("", None, "a composition or at least one parameter")


def _columns(value: object) -> dict[str, tuple[Decimal | str, ...]]:
    expected = "the name of a CSV file, or a table with one list of values for each input"
    if not isinstance(value, dict) or not value:
        raise Mistake(value, expected)
    problems: list[Problem] = []
    columns: dict[str, tuple[Decimal | str, ...]] = {}
    for name, entries in value.items():
        if not isinstance(entries, list | tuple) or not 1 <= len(entries) <= MAX_POINTS:
            got = f"{len(entries)} values" if isinstance(entries, list | tuple) else entries
            problems.append(Problem(name, got, f"a list of 1 to {MAX_POINTS} values"))
            continue
        try:
            columns[str(name)] = tuple(e if isinstance(e, str) else number_from(e) for e in entries)
        except Mistake as mistake:
            problems.append(Problem(name, mistake.got, str(mistake)))
    if problems:
        raise Mistakes(problems)
    return columns


class Space(Section):
    """A composition, parameters, or both; of these all points, or those of a list alone."""

    checks: ClassVar[tuple[Check, ...]] = (Check(("composition", "parameters"), _something),)
    composition: Composition | None = None
    parameters: tuple[Parameter, ...] = Field(default=(), alias="parameter")
    points: Annotated[dict[str, tuple[Decimal | str, ...]], PlainValidator(_columns)] | None = None
    """By input one value a row, where samples exist already and no others can be made. In a file
    also the name of a CSV file."""

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

    @cached_property
    def level_sets(self) -> tuple[frozenset[Decimal | str], ...]:
        """The values that each parameter may take."""
        return tuple(frozenset(parameter.levels) for parameter in self.parameters)

    @cached_property
    def listed_rows(self) -> tuple[tuple[Decimal | str, ...], ...]:
        """Rows of the list, values in the order of `names`; none without a list."""
        columns = [self.points[name] for name in self.names] if self.points else []
        return tuple(zip(*columns, strict=True))

    @cached_property
    def listed_points(self) -> frozenset[tuple[Decimal | str, ...]]:
        """The distinct rows of the list; numbers that are equal count as one."""
        return frozenset(self.listed_rows)
