"""What can be read of a wrong file, so that one mistake does not hide another."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import TypeAdapter, ValidationError

from campaigns.consistency import Draft
from campaigns.errors import Problem
from campaigns.expression import Condition, Expression
from campaigns.fields import Section, is_name
from campaigns.recipe import JobTemplate, Recipe
from campaigns.space import CategoricalParameter, Composition, Parameter, Space
from campaigns.spec import CampaignSpec, Constraint
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
    parameters = _read_parameters(space.get("parameter"))
    categorical = [one for one in parameters if isinstance(one, CategoricalParameter)]
    categories = {one.name: one.values for one in categorical if one.name not in components}
    recipe = _table(document.get("recipe"))
    jobs = _read_entries(JobTemplate, recipe.get("job"))
    named_components, are_inputs_known = _component_names(space)
    return Draft(
        components=components,
        parameters=_texts(space.get("parameter"), "name"),
        categories=categories,
        numbers=frozenset(one.name for one in parameters) - categories.keys(),
        conditions=_read_conditions(document.get("constraint")),
        computed=_read_definitions(_table(document.get("computed"))),
        objectives=_texts(document.get("objective"), "name"),
        outcomes=_texts(document.get("outcome"), "name"),
        jobs=jobs,
        cost=_parts(Recipe, recipe).get("cost_usd_per_experiment"),
        targets=_texts(_table(document.get("stopping")).get("target"), "objective"),
        named_components=named_components,
        named_computed=frozenset(_table(document.get("computed"))),
        are_inputs_known=are_inputs_known,
        are_jobs_known=len(jobs) == len(_entries(recipe.get("job"))),
    )


@cache
def _adapter(section: type[Section], name: str) -> TypeAdapter[Any]:
    field = section.model_fields[name]
    annotation: object = field.annotation
    for metadata in field.metadata:
        annotation = Annotated[annotation, metadata]
    return TypeAdapter(annotation)  # type: ignore[arg-type]  # an annotation built at run time


def _parts(section: type[Section], given: Mapping[str, object]) -> dict[str, Any]:
    """Return the fields that can be read, by name, defaults included."""
    filled = section.filled(given)
    parts: dict[str, Any] = {}  # Any: values of every type of field
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


def _read_parameters(value: object) -> list[Parameter]:
    read: list[Parameter] = []
    for entry in _entries(value).values():
        try:
            read += _adapter(Space, "parameters").validate_python([entry])
        except ValidationError:
            continue  # listed already, from the whole document
    return read


def _read_conditions(value: object) -> dict[int, tuple[str, Condition]]:
    read: dict[int, tuple[str, Condition]] = {}
    for index, entry in _entries(value).items():
        parts = _parts(Constraint, _table(entry))
        if "expression" in parts:
            read[index] = (parts.get("name", ""), parts["expression"])
    return read


def _read_definitions(computed: Mapping[str, object]) -> dict[str, Expression]:
    read: dict[str, Expression] = {}
    for name, text in computed.items():
        try:
            definitions = _adapter(CampaignSpec, "computed").validate_python({name: text})
        except ValidationError:
            continue  # listed already, from the whole document
        read |= definitions
    return read


def _texts(value: object, key: str) -> dict[int, str]:
    """Return what the entries of a list say under a key, where that is a name."""
    texts = {index: _table(entry).get(key) for index, entry in _entries(value).items()}
    return {i: text for i, text in texts.items() if isinstance(text, str) and is_name(text)}


def _component_names(space: Mapping[str, object]) -> tuple[frozenset[str], bool]:
    """Return what is named as a component, and whether the names of all inputs can be read."""
    parameters = space.get("parameter", [])
    n_parameters = len(parameters) if isinstance(parameters, list) else -1
    names: list[object] = []
    if "composition" in space:
        composition = _table(space["composition"])
        listed = composition.get("elements", composition.get("components"))
        names = listed if isinstance(listed, list) and listed else [None]
    read = frozenset(name for name in names if isinstance(name, str))
    are_named = all(isinstance(name, str) for name in names)
    return read, bool(space) and are_named and len(_texts(parameters, "name")) == n_parameters
