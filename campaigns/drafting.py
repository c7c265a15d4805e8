"""What can be read of a wrong file, so that one mistake does not hide another."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from campaigns.consistency import Draft
from campaigns.errors import Problem
from campaigns.expression import Condition, Expression
from campaigns.fields import Mistakes, Section, is_name
from campaigns.recipe import PLACEHOLDER, JobTemplate, Recipe
from campaigns.space import CategoricalParameter, Parameter, Space
from campaigns.spec import CampaignSpec, Constraint
from campaigns.structure import adapter_of, sections_of_field

__all__ = ["draft_of", "problems_of_parts"]

Path: TypeAlias = tuple[int | str, ...]
_UNREAD: Final = "unread"
"""What stands for a required text of a job that cannot be read."""


_JOB_KEYS: Final = frozenset(JobTemplate.model_fields)


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
    sketch = {**section.sketched(given), **parts}
    for check in section.checks:
        found = sketch if check.takes_sketches else parts
        if all(name in found for name in check.needs):
            for problem in check.problems(*(found[name] for name in check.needs)):
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
    named = _component_names(space)
    components = tuple(filter(is_name, named))
    parameters = _read_parameters(space.get("parameter"))
    categorical = [one for one in parameters if isinstance(one, CategoricalParameter)]
    categories = {one.name: one.values for one in categorical if one.name not in components}
    recipe = _table(document.get("recipe"))
    jobs = _entries(recipe.get("job"))
    return Draft(
        components=components,
        parameters=_texts(space.get("parameter"), "name"),
        categories=categories,
        numbers=frozenset(one.name for one in parameters) - categories.keys(),
        conditions=_read_conditions(document.get("constraint")),
        computed=_read_definitions(_table(document.get("computed"))),
        objectives=_texts(document.get("objective"), "name"),
        outcomes=_texts(document.get("outcome"), "name"),
        jobs=_read_jobs(recipe.get("job")),
        job_labels={index: _table(job).get("name") for index, job in jobs.items()},
        cost=_parts(Recipe, recipe).get("cost_usd_per_experiment"),
        hours=_parts(Recipe, recipe).get("hours_per_experiment"),
        targets=_texts(_table(document.get("stopping")).get("target"), "objective"),
        named_components=frozenset(named),
        named_computed=frozenset(_table(document.get("computed"))),
        are_inputs_known=_are_inputs_named(space),
        are_jobs_known=all("name" in _table(job) for job in jobs.values()),
        are_jobs_right=all(map(_is_job, jobs.values())),
    )


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
            parts[name] = adapter_of(section, name).validate_python(filled[key])
        except ValidationError:
            continue  # listed already, from the whole document
    return parts


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _entries(value: object) -> dict[int, object]:
    return dict(enumerate(value)) if isinstance(value, list) else {}


def _read_jobs(value: object) -> dict[int, JobTemplate]:
    """Return every job without what is wrong in it."""
    read: dict[int, JobTemplate] = {}
    for index, entry in _entries(value).items():
        known = {name: one for name, one in _table(entry).items() if name in _JOB_KEYS}
        read[index] = _read_job(known, f"{_UNREAD}_{index}")
    return read


def _is_job(entry: object) -> bool:
    try:
        JobTemplate.model_validate(entry)
    except ValidationError:
        return False
    return True


def _read_job(table: Mapping[str, object], stand_in: str) -> JobTemplate:
    """Return a job, its wrong keys left out or, where they are required, stood in for."""
    name = table.get("name")
    is_copied = "for_each" in table or (isinstance(name, str) and PLACEHOLDER in name)
    known = dict(table) | ({"for_each": "component"} if is_copied else {})
    texts = {"name": f"{stand_in}_{PLACEHOLDER}" if is_copied else stand_in}
    texts |= {"instrument": _UNREAD, "action": _UNREAD}
    while True:
        try:
            return JobTemplate.model_validate(known)
        except ValidationError as error:
            for key, part in {place for entry in error.errors() for place in _places(entry)}:
                arguments = known.get("arguments")
                if key in texts:
                    known[key] = texts[key]
                elif part and isinstance(arguments, dict):
                    known["arguments"] = {n: v for n, v in arguments.items() if n != part}
                else:
                    known.pop(key, None)


def _places(entry: ErrorDetails) -> Iterator[tuple[str, str]]:
    """Yield the keys of a job that are wrong, each with the name of the argument, if it is one."""
    cause = entry.get("ctx", {}).get("error")
    location = tuple(map(str, entry["loc"]))
    if isinstance(cause, Mistakes):
        places = [tuple(problem.key.partition("[")[0].split(".")) for problem in cause.problems]
    else:
        places = [location]
    for place in places:
        yield place[0], place[1] if place[0] == "arguments" and len(place) > 1 else ""


def _read_parameters(value: object) -> list[Parameter]:
    read: list[Parameter] = []
    for entry in _entries(value).values():
        try:
            read += adapter_of(Space, "parameters").validate_python([entry])
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
            definitions = adapter_of(CampaignSpec, "computed").validate_python({name: text})
        except ValidationError:
            continue  # listed already, from the whole document
        read |= definitions
    return read


def _texts(value: object, key: str) -> dict[int, str]:
    """Return what the entries of a list say under a key, where that is a name."""
    texts = {index: _table(entry).get(key) for index, entry in _entries(value).items()}
    return {i: text for i, text in texts.items() if isinstance(text, str) and is_name(text)}


def _component_names(space: Mapping[str, object]) -> tuple[str, ...]:
    """Return every text that is listed as an element or a component, in order, once each."""
    composition = _table(space.get("composition"))
    lists = (composition.get(key) for key in ("elements", "components"))
    names = [name for one in lists if isinstance(one, list) for name in one]
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def _are_inputs_named(space: Mapping[str, object]) -> bool:
    """Return whether every input has a name, right or wrong, so that no other can be meant."""
    if not space or not space.keys() <= {"composition", "parameter", "points"}:
        return False
    if "composition" in space:
        composition = _table(space["composition"])
        lists = [composition[key] for key in ("elements", "components") if key in composition]
        if not lists or not all(isinstance(names, list) and names for names in lists):
            return False
    parameters = space.get("parameter", [])
    return isinstance(parameters, list) and all("name" in _table(one) for one in parameters)
