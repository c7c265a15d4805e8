"""Writes tables as the text of a TOML file, for rig files that a program hands to another."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

__all__ = ["toml_text"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(tables: Mapping[str, object]) -> str:
    r"""Return the text of a TOML file that reads back as these tables.

    Args:
        tables: Of text, numbers, truth values, lists and tables, as a TOML file without times.

    Raises:
        TypeError: A value has no place in such a file.

    Example:
        >>> print(toml_text({"rig": {"name": "b"}, "lines": {"a": {"port": 1}}}), end="")
        [rig]
        name = "b"
        <BLANKLINE>
        [lines.a]
        port = 1
    """
    return "\n".join(_blocks(tables, ())) + "\n" if tables else ""


def _blocks(table: Mapping[str, object], path: tuple[str, ...]) -> list[str]:
    """Return the lines of a table: its own values first, then the tables in it."""
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    own = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if key not in inner]
    lines: list[str] = []
    if path and (own or not inner):
        lines = [f"[{'.'.join(map(_key, path))}]"]
    lines += own
    for key, value in inner.items():
        lines += [*([""] if lines else []), *_blocks(value, (*path, key))]
    return lines


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            return _quoted(value)
        case date() if not isinstance(value, datetime):
            return value.isoformat()
        case Mapping():
            pairs = ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case Sequence():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            raise TypeError(f"no place for {value!r} in a TOML file")
