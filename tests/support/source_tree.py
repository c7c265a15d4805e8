"""The shipped source, as files and as syntax trees, for tests about the code."""

import ast
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
"""The repository's folder."""
PACKAGES: Final = ("campaigns", "drivers", "orchestrator", "simulators")
"""What is installed."""


def name_of(file: Path) -> str:
    """Return a file's path inside the repository, with forward slashes."""
    return file.relative_to(ROOT).as_posix()


def python_files(*folders: str) -> list[Path]:
    """Return every Python file below some folders of the repository, in order."""
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def shipped_files() -> list[Path]:
    """Return every Python file that is installed."""
    return python_files(*PACKAGES)


def module_of(file: Path) -> str:
    """Return the dotted name of a shipped module."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(file: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def functions_in(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function and method, nested ones too."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def imported_packages(tree: ast.Module) -> set[str]:
    """Return the first names of everything that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.partition(".")[0])
    return found
