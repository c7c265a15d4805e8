"""What can be read of a wrong file, so that one mistake does not hide another."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, TypeAlias, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from campaigns.consistency import Draft
from campaigns.errors import Problem
from campaigns.expression import Expression
from campaigns.fields import Section
from campaigns.objectives import Objective, Outcome
from campaigns.recipe import JobTemplate, Recipe
from campaigns.space import Composition, Parameter, Space
from campaigns.spec import CampaignSpec, Constraint
from campaigns.stopping import Target
from campaigns.structure import sections_of_field

__all__ = ["draft_of", "problems_of_parts"]

Path: TypeAlias = tuple[int | str, ...]
Read = TypeVar("Read", bound=Section)


def problems_of_parts(
    section: type[Section], given: object, path: Path = ()
) -> Iterator[tuple[Path, Problem]]:
    """Yield what the checks between fields find where all the fields that they need can be read.

    Args:
        section: What the table should be.
        given: The table as TOML gives it.
        path: Where the table stands.
    """
    if not isinstance(given, dict):
        return
    parts = _parts(section, given)
    for check in section.checks:
        if all(name in parts for name in check.needs):
            for problem in check.problems(*(parts[name] for name in check.needs)):
                yield path, problem
    for name, field in section.model_fields.items():
        key = field.alias or name
        value = given.get(key)
        for index, entry in enumerate(value if isinstance(value, list) else [value]):
            below = (*path, key, index) if isinstance(value, list) else (*path, key)
            kind = entry.get("kind") if isinstance(entry, dict) else None
            for one in sections_of_field(section, key, kind):
                yield from problems_of_parts(one, entry, below)


def draft_of(document: Mapping[str, object]) -> Draft:
    """Return what can be understood of a document; what cannot is left out.

    Args:
        document: A campaign file as TOML gives it, wrong in at least one place.
    """
    space = _table(document.get("space"))
    composition = _parts(Composition, _table(space.get("composition")))
    components = composition.get("elements") or composition.get("components") or ()
    computed = _table(document.get("computed"))
    constraints = _read_entries(Constraint, document.get("constraint"))
    recipe = _table(document.get("recipe"))
    jobs = _read_entries(JobTemplate, recipe.get("job"))
    stopping = _table(document.get("stopping"))
    inputs, are_inputs_known = _input_names(space)
    goals = (*_names_in(document.get("objective")), *_names_in(document.get("outcome")))
    return Draft(
        components=cast("tuple[str, ...]", components),
        parameters=_read_parameters(space.get("parameter")),
        conditions={i: (one.name, one.expression) for i, one in constraints.items()},
        computed=_read_definitions(computed),
        objectives=_read_entries(Objective, document.get("objective")),
        outcomes=_read_entries(Outcome, document.get("outcome")),
        jobs=jobs,
        cost=cast("Expression | None", _parts(Recipe, recipe).get("cost_usd_per_experiment")),
        targets=_read_entries(Target, stopping.get("target")),
        named_inputs=inputs,
        named_computed=frozenset(computed),
        named_goals=frozenset(goals),
        are_inputs_known=are_inputs_known,
        are_jobs_known=len(jobs) == len(_entries(recipe.get("job"))),
    )


@cache
def _adapter(section: type[Section], name: str) -> TypeAdapter[object]:
    field = section.model_fields[name]
    annotation: object = field.annotation
    for metadata in field.metadata:
        annotation = Annotated[annotation, metadata]
    return TypeAdapter(annotation)  # type: ignore[arg-type]  # an annotation built at run time


def _parts(section: type[Section], given: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that can be read, by name, defaults included."""
    filled = section.filled(given)
    parts: dict[str, object] = {}
    for name, field in section.model_fields.items():
        key = field.alias or name
        if key not in filled:
            if not field.is_required():
                parts[name] = field.get_default(call_default_factory=True)
            continue
        try:
            parts[name] = _adapter(section, name).validate_python(filled[key])
        except ValidationError:
            continue  # listed already, from the whole document
    return parts


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _entries(value: object) -> dict[int, object]:
    return dict(enumerate(value)) if isinstance(value, list) else {}


def _read_entries(section: type[Read], value: object) -> dict[int, Read]:
    read: dict[int, Read] = {}
    for index, entry in _entries(value).items():
        try:
            read[index] = section.model_validate(entry)
        except ValidationError:
            continue  # listed already, from the whole document
    return read


def _read_parameters(value: object) -> dict[int, Parameter]:
    read: dict[int, Parameter] = {}
    for index, entry in _entries(value).items():
        try:
            parameters = _adapter(Space, "parameters").validate_python([entry])
        except ValidationError:
            continue  # listed already, from the whole document
        read[index] = cast("tuple[Parameter, ...]", parameters)[0]
    return read


def _read_definitions(computed: Mapping[str, object]) -> dict[str, Expression]:
    read: dict[str, Expression] = {}
    for name, text in computed.items():
        try:
            definitions = _adapter(CampaignSpec, "computed").validate_python({name: text})
        except ValidationError:
            continue  # listed already, from the whole document
        read |= cast("dict[str, Expression]", definitions)
    return read


def _names_in(value: object) -> frozenset[str]:
    names = (_table(entry).get("name") for entry in _entries(value).values())
    return frozenset(name for name in names if isinstance(name, str))


def _input_names(space: Mapping[str, object]) -> tuple[frozenset[str], bool]:
    """Return every input's name that can be read, and whether that is all of them."""
    names: list[object] = [
        _table(entry).get("name") for entry in _entries(space.get("parameter")).values()
    ]
    are_lists = bool(space) and isinstance(space.get("parameter", []), list)
    if "composition" in space:
        composition = _table(space["composition"])
        listed = composition.get("elements", composition.get("components"))
        names += listed if isinstance(listed, list) and listed else [None]
    read = frozenset(name for name in names if isinstance(name, str))
    return read, are_lists and all(isinstance(name, str) for name in names)
