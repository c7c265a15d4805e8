"""Writes the beginning of a driver of one's own: a package that passes the kit as it stands."""

import keyword
import re
from pathlib import Path
from string import Template

from drivers.catalog import DRIVERS, names
from drivers.errors import RigError

__all__ = ["write_scaffold"]

_TEMPLATES = Path(__file__).parent / "template"
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def write_scaffold(name: str, folder: Path) -> tuple[Path, ...]:
    """Write a package with a working driver, to be changed piece by piece.

    Args:
        name: Of the driver and its package: ``acme_hotplate``.
        folder: Where the package's folder is made; it must not hold one of that name.

    Returns:
        What was written.

    Raises:
        RigError: The name is no name for a driver or is taken, or the folder is in the way.
    """
    if _NAME.fullmatch(name) is None or keyword.iskeyword(name):
        raise RigError("NAME", got=name, expected="small letters, digits and _, as acme_hotplate")
    if name in names(DRIVERS):
        raise RigError("NAME", got=name, expected="a name that no driver has")
    root = folder / name
    if root.exists():
        raise RigError("NAME", got=str(root), expected="a folder that is not there yet")
    words = {"name": name, "Class": "".join(part.capitalize() for part in name.split("_"))}
    texts = {
        root / _place_of(path.name.removesuffix(".txt"), name): Template(
            path.read_text("utf-8")
        ).substitute(words)
        for path in sorted(_TEMPLATES.glob("*.txt"))
    }
    (root / name).mkdir(parents=True)
    for path, text in texts.items():
        path.write_text(text, "utf-8")
    return tuple(texts)


def _place_of(file: str, name: str) -> Path:
    if file == "pyproject.toml":
        return Path(file)
    if file == "test.py":
        return Path(f"test_{name}.py")
    return Path(name) / file
