"""What pydantic finds wrong with a document, in the words of the file."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Final, TypeAlias, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from campaigns.consistency import entry_key, one_of
from campaigns.errors import Problem
from campaigns.fields import Mistake, Mistakes, Section, name_from
from campaigns.spec import CampaignSpec

__all__ = ["adapter_of", "below", "key_of", "problems_from", "sections_of_field"]

Path: TypeAlias = tuple[int | str, ...]

_KINDS: Final = ("range", "discrete", "categorical")
_LISTS_OF_TABLES: Final = frozenset(
    {
        "constraint",
        "objective",
        "outcome",
        "parameter",
        "job",
        "analysis",
        "target",
        "expected",
    }
)
_TABLES: Final = frozenset(
    {
        "campaign",
        "space",
        "composition",
        "computed",
        "recipe",
        "stopping",
        "plateau",
        "planner",
        "approval",
        "failures",
        "reference",
        "desirability",
    }
)
_EXPECTED: Final = {
    "string_type": "a text in quotes",
    "tuple_type": "a list [...]",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}


def problems_from(entry: ErrorDetails, document: Mapping[str, object]) -> list[Problem]:
    """Return what one entry of a pydantic error means.

    Args:
        entry: As `pydantic.ValidationError.errors` gives it.
        document: The whole file, for the names of entries.
    """
    location = entry["loc"]
    path = tuple(_without_tags(location))
    tag = next((str(part) for part in location if part in _KINDS), None)
    key = key_of(path, document)
    got = entry["input"]
    cause = entry.get("ctx", {}).get("error")
    last = path[-1] if path else ""
    match cause, entry["type"]:
        case Mistakes(), _:
            return [below(key, problem) for problem in cause.problems]
        case Mistake(), _:
            found = Problem(key, cause.got, cause.expected)
        case _, "missing":
            found = Problem(key, None, _required(path, tag))
        case _, "extra_forbidden":
            found = Problem(key, last, one_of(_known_keys(path[:-1], tag), str(last)))
        case _, "literal_error":
            found = Problem(key, got, one_of(_choices(path, tag), str(got)))
        case _, "union_tag_invalid" | "union_tag_not_found":
            given = got.get("kind") if isinstance(got, dict) else None
            found = Problem(f"{key}.kind", given, one_of(_KINDS, str(given)))
            return [*_name_problems(key, got), found]
        case _, _ if last in _LISTS_OF_TABLES:
            found = Problem(key, got, f"a list of tables [[{_dotted(path)}]]")
        case _, kind:
            found = Problem(key, got, _EXPECTED[kind])
    return [found]


def _required(path: Path, tag: str | None) -> str:
    last = str(path[-1])
    if last in _LISTS_OF_TABLES:
        return f"at least one [[{_dotted(path)}]] (required)"
    if last in _TABLES:
        return f"a table [{_dotted(path)}] (required)"
    section = _section_at(path[:-1], tag)
    try:
        adapter_of(section, _field_named(section, last)).validate_python(None)
    except ValidationError as error:
        entry = error.errors(include_url=False)[0]
        cause = entry.get("ctx", {}).get("error")
        if isinstance(cause, Mistake):
            return f"{cause.expected} (required)"
        if entry["type"] == "literal_error":
            return f"{one_of(_choices(path, tag), '')} (required)"
        return f"{_EXPECTED[entry['type']]} (required)"
    raise KeyError(last)


def _name_problems(key: str, parameter: object) -> Iterator[Problem]:
    """Yield what is wrong with the name of a parameter of no known kind."""
    if isinstance(parameter, dict):
        try:
            name_from(parameter.get("name"))
        except Mistake as mistake:
            note = "" if "name" in parameter else " (required)"
            yield Problem(f"{key}.name", mistake.got, mistake.expected + note)


def _without_tags(location: Path) -> Iterator[int | str]:
    """Leave out the tag that pydantic puts after the index of a parameter."""
    for index, part in enumerate(location):
        is_tag = part in _KINDS and index >= 2 and location[index - 2] == "parameter"
        if not is_tag and part != "[key]":
            yield part


def _dotted(path: Path) -> str:
    return ".".join(part for part in path if isinstance(part, str))


def key_of(path: Path, document: Mapping[str, object]) -> str:
    """Return the dotted key of a path, list entries with their index and name."""
    key = ""
    value: object = document
    for part in path:
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and part < len(value) else None
            name = value.get("name") if isinstance(value, dict) else None
            key = entry_key(key, part, name)
        else:
            value = value.get(part) if isinstance(value, dict) else None
            key = f"{key}.{part}" if key else part
    return key


def below(key: str, problem: Problem) -> Problem:
    """Return a problem whose key continues the key of its section."""
    dot = "." if key and problem.key and not problem.key.startswith("[") else ""
    return Problem(f"{key}{dot}{problem.key}", problem.got, problem.expected)


def sections_of_field(section: type[Section], key: str, kind: object) -> list[type[Section]]:
    """Return the models that read a field's tables; one, or none where it holds no tables.

    Args:
        section: The model that has the field.
        key: The field's key in the file.
        kind: The kind that the table says it is, which decides between parameters.
    """
    found = list(_sections_in(_annotation(section, key)))
    if len(found) > 1:
        return [one for one in found if one.model_fields["kind"].default == kind]
    return found


def _section_at(path: Path, tag: str | None) -> type[Section]:
    """Return the model that reads the table at a path."""
    section: type[Section] = CampaignSpec
    for part in path:
        if isinstance(part, str):
            section = sections_of_field(section, part, tag)[0]
    return section


def _field_named(section: type[Section], key: str) -> str:
    """Return the name of the field that a key of the file is read into."""
    return next(name for name, one in section.model_fields.items() if (one.alias or name) == key)


def _annotation(section: type[Section], key: str) -> object:
    return section.model_fields[_field_named(section, key)].annotation


@cache
def adapter_of(section: type[Section], name: str) -> TypeAdapter[Any]:
    """Return what reads a single field of a section.

    Args:
        section: The model that has the field.
        name: The field's name in the model.
    """
    field = section.model_fields[name]
    annotation: object = field.annotation
    for metadata in field.metadata:
        annotation = Annotated[annotation, metadata]
    return TypeAdapter(annotation)  # type: ignore[arg-type]  # an annotation built at run time


def _sections_in(annotation: object) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for argument in get_args(annotation):
        yield from _sections_in(argument)


def _known_keys(path: Path, tag: str | None) -> list[str]:
    fields = _section_at(path, tag).model_fields
    return [field.alias or name for name, field in fields.items()]


def _choices(path: Path, tag: str | None) -> list[str]:
    return list(_literals_in(_annotation(_section_at(path[:-1], tag), str(path[-1]))))


def _literals_in(annotation: object) -> Iterator[str]:
    for argument in get_args(annotation):
        if isinstance(argument, str):
            yield argument
        else:
            yield from _literals_in(argument)
