"""The sections of a wrong file that are right by themselves, for checks between them."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from campaigns.consistency import Draft
from campaigns.errors import ExpressionError
from campaigns.expression import Expression, parse_expression
from campaigns.fields import Section, is_name
from campaigns.objectives import Objective, Outcome
from campaigns.recipe import Recipe
from campaigns.space import Composition, Parameter
from campaigns.spec import Constraint
from campaigns.stopping import Stopping

__all__ = ["draft_of"]

Read = TypeVar("Read", bound=Section)


def draft_of(document: Mapping[str, object]) -> Draft:
    """Return what can be understood of a document; what cannot is left out.

    Args:
        document: A campaign file as TOML gives it, wrong in at least one place.
    """
    space = _table(document.get("space"))
    composition = _read(Composition, space.get("composition"))
    parameters = _entries(space.get("parameter"))
    read_parameters = {
        index: parameter
        for index, entry in parameters.items()
        if (parameter := _read_parameter(entry)) is not None
    }
    computed = _table(document.get("computed"))
    definitions = {
        name: expression
        for name, text in computed.items()
        if is_name(name) and (expression := _read_expression(text)) is not None
    }
    constraints = _read_entries(Constraint, document.get("constraint"))
    objectives = _read_entries(Objective, document.get("objective"))
    names, are_inputs_known = _input_names(space)
    return Draft(
        components=composition.names if composition else (),
        parameters=read_parameters,
        conditions={i: (one.name, one.expression) for i, one in constraints.items()},
        computed=definitions,
        objectives=objectives,
        outcomes=_read_entries(Outcome, document.get("outcome")),
        recipe=_read(Recipe, document.get("recipe")),
        stopping=_read(Stopping, document.get("stopping")),
        unread_inputs=names
        - set(composition.names if composition else ())
        - {parameter.name for parameter in read_parameters.values()},
        unread_computed=frozenset(computed) - definitions.keys(),
        unread_objectives=_names_of(document.get("objective")),
        are_inputs_known=are_inputs_known,
    )


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _entries(value: object) -> dict[int, object]:
    return dict(enumerate(value)) if isinstance(value, list) else {}


def _read(section: type[Read], value: object) -> Read | None:
    if value is None:
        return None
    try:
        return section.model_validate(value)
    except ValidationError:
        return None  # its own mistakes are listed already


def _read_entries(section: type[Read], value: object) -> dict[int, Read]:
    read = {index: _read(section, entry) for index, entry in _entries(value).items()}
    return {index: entry for index, entry in read.items() if entry is not None}


def _read_parameter(value: object) -> Parameter | None:
    try:
        parameter: Parameter = TypeAdapter(Parameter).validate_python(value)
    except ValidationError:
        return None  # its own mistakes are listed already
    return parameter


def _read_expression(text: object) -> Expression | None:
    if not isinstance(text, str):
        return None
    try:
        return parse_expression(text)
    except ExpressionError:
        return None  # its own mistakes are listed already


def _names_of(value: object) -> frozenset[str]:
    names = (_table(entry).get("name") for entry in _entries(value).values())
    return frozenset(name for name in names if isinstance(name, str))


def _input_names(space: Mapping[str, object]) -> tuple[frozenset[str], bool]:
    """Return every input's name that can be read, and whether that is all of them."""
    composition = _table(space.get("composition"))
    listed = composition.get("elements", composition.get("components", []))
    entries = list(listed) if isinstance(listed, list) else [None]
    if "composition" in space and not entries:
        entries = [None]
    parameters = _entries(space.get("parameter")).values()
    entries += [_table(entry).get("name") for entry in parameters]
    names = frozenset(entry for entry in entries if isinstance(entry, str))
    is_space = bool(space) and isinstance(space.get("parameter", []), list)
    return names, is_space and len(entries) == sum(isinstance(one, str) for one in entries)
