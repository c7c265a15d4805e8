"""The fields of a form as an act's model wants them: dots nest, repeated names are lists."""

from collections.abc import Iterable
from typing import Final, TypeAlias

from pydantic import ValidationError
from starlette.datastructures import FormData

from orchestrator.errors import RequestRefused
from orchestrator.service.acts import Act

__all__ = ["OWN_FIELDS", "Field", "act_from_form", "kept_fields", "problems_of"]

OWN_FIELDS: Final = ("csrf", "key", "seen_seq", "next", "confirmed")
"""What our forms say beside the act's own fields."""
_LISTS: Final = ("places",)
_DEEPEST: Final = 8
_POINTS: Final = ("changes.", "point.")
"""Fields whose values are numbers where they look like numbers, and words where not."""

Field: TypeAlias = "str | float | list[str] | dict[str, Field]"


def kept_fields(form: FormData) -> list[tuple[str, str]]:
    """Return the act's own fields of a form, as they stand there, to be asked for again."""
    return [
        (name, value)
        for name, value in form.multi_items()
        if name not in OWN_FIELDS and isinstance(value, str)
    ]


def act_from_form(kind: type[Act], fields: Iterable[tuple[str, str]]) -> Act:
    """Return an act from a form's fields.

    Args:
        kind: Which act.
        fields: Names and values; an empty value counts as not given.

    Raises:
        RequestRefused: Fields are missing, unknown or wrong; each is named.
    """
    nested: dict[str, Field] = {}
    for name, value in fields:
        if value.strip():
            _put(nested, name, value)
    try:
        return kind.model_validate(nested)
    except ValidationError as error:
        raise RequestRefused("\n".join(problems_of(error))) from error


def problems_of(error: ValidationError) -> list[str]:
    """Return each problem of a model with its key, for people."""
    lines = []
    for one in error.errors(include_url=False, include_context=False):
        key = ".".join(str(part) for part in one["loc"]) or "the form"
        lines.append(f"{key}: got {str(one['input'])[:100]!r}, {one['msg'].lower()}")
    return lines


def _put(nested: dict[str, Field], name: str, value: str) -> None:
    *outer, last = name.split(".")
    if len(outer) > _DEEPEST:
        raise RequestRefused(f"{name[:100]}: got {len(outer)} dots, expected at most {_DEEPEST}")
    place: dict[str, Field] = nested
    for part in outer:
        inner = place.setdefault(part, {})
        if not isinstance(inner, dict):
            raise RequestRefused(f"{name}: got two kinds of values for {part}")
        place = inner
    if last in _LISTS:
        known = place.setdefault(last, [])
        if isinstance(known, list):
            known.append(value)
    elif last in place:
        raise RequestRefused(f"{name}: got it twice, expected it once")
    else:
        place[last] = _number(value) if name.startswith(_POINTS) else value


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
