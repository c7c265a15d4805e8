"""What pydantic finds wrong with a document, in the words of the file."""

from collections.abc import Iterator, Mapping
from typing import Final, get_args

from campaigns.consistency import entry_key, one_of
from campaigns.errors import Problem
from campaigns.fields import Mistake, Mistakes, Section
from campaigns.spec import CampaignSpec

__all__ = ["problem_from"]

_KINDS: Final = ("range", "discrete", "categorical")
_LISTS_OF_TABLES: Final = frozenset(
    {"constraint", "objective", "outcome", "parameter", "job", "analysis", "target"}
)
_TABLES: Final = frozenset(
    {"campaign", "space", "composition", "computed", "recipe", "stopping", "plateau", "planner"}
)
_EXPECTED: Final = {
    "string_type": "a text in quotes",
    "tuple_type": "a list [...]",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}


def problem_from(
    location: tuple[int | str, ...],
    kind: str,
    got: object,
    cause: object,
    document: Mapping[str, object],
) -> list[Problem]:
    """Return what one entry of a pydantic error means.

    Args:
        location: Where, as pydantic says it.
        kind: Pydantic's name of the error.
        got: What stands there.
        cause: The error that a check of ours raised, if one did.
        document: The whole file, for the names of entries.
    """
    path = tuple(_without_tags(location))
    key = _key(path, document)
    match cause:
        case Mistakes():
            return [
                Problem(_joined(key, inner, document), problem.got, problem.expected)
                for problem in cause.problems
                for inner in [problem.key]
            ]
        case Mistake():
            return [Problem(key, cause.got, cause.expected)]
    last = path[-1] if path else ""
    match kind:
        case "missing":
            return [Problem(key, None, _required(str(last)))]
        case "extra_forbidden":
            return [Problem(key, last, one_of(_known_keys(path[:-1], location), str(last)))]
        case "literal_error":
            return [Problem(key, got, one_of(_choices(path, location), str(got)))]
        case "union_tag_invalid" | "union_tag_not_found":
            given = got.get("kind") if isinstance(got, dict) else None
            return [Problem(f"{key}.kind", given, one_of(_KINDS, str(given)))]
    if isinstance(last, str) and last in _LISTS_OF_TABLES:
        return [Problem(key, got, f"a list of tables [[{_dotted(path)}]]")]
    return [Problem(key, got, _EXPECTED[kind])]


def _required(key: str) -> str:
    if key in _LISTS_OF_TABLES:
        return f"at least one [[{key}]] (required)"
    return f"a table [{key}] (required)" if key in _TABLES else "a value (required)"


def _without_tags(location: tuple[int | str, ...]) -> Iterator[int | str]:
    """Leave out the tag that pydantic puts after the index of a parameter."""
    for index, part in enumerate(location):
        is_tag = part in _KINDS and index >= 2 and location[index - 2] == "parameter"
        if not is_tag:
            yield part


def _dotted(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in path if isinstance(part, str))


def _key(path: tuple[int | str, ...], document: Mapping[str, object]) -> str:
    """Return the dotted key, list entries with their index and name."""
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


def _joined(key: str, inner: str, document: Mapping[str, object]) -> str:
    if not key or not inner:
        return key or inner
    return f"{key}{inner}" if inner.startswith("[") else f"{key}.{inner}"


def _section_at(path: tuple[int | str, ...], location: tuple[int | str, ...]) -> type[Section]:
    """Return the model that reads the table at a path."""
    section: type[Section] = CampaignSpec
    tag = next((part for part in location if part in _KINDS), None)
    for part in path:
        if isinstance(part, str):
            choices = list(_sections_in(_field(section, part)))
            tagged = [one for one in choices if tag and one.__name__.lower().startswith(str(tag))]
            section = (tagged or choices)[0]
    return section


def _field(section: type[Section], key: str) -> object:
    for name, field in section.model_fields.items():
        if (field.alias or name) == key:
            return field.annotation
    raise KeyError(key)


def _sections_in(annotation: object) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for argument in get_args(annotation):
        yield from _sections_in(argument)


def _known_keys(path: tuple[int | str, ...], location: tuple[int | str, ...]) -> list[str]:
    fields = _section_at(path, location).model_fields
    return [field.alias or name for name, field in fields.items()]


def _choices(path: tuple[int | str, ...], location: tuple[int | str, ...]) -> list[str]:
    section = _section_at(path[:-1], location)
    return [
        choice
        for argument in (_field(section, str(path[-1])),)
        for choice in _literals_in(argument)
    ]


def _literals_in(annotation: object) -> Iterator[str]:
    for argument in get_args(annotation):
        if isinstance(argument, str):
            yield argument
        else:
            yield from _literals_in(argument)
