"""No file longer than 400 lines, no function longer than 60, no class wider than 12 operations."""

import ast
from pathlib import Path

import pytest

from tests.support.source_tree import PACKAGES, functions_in, name_of, python_files, tree_of

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_PUBLIC_METHODS = 12
WIDER = {"MemoryLog": 13, "SqliteLog": 14}
"""A log carries its side tables too. The list may only get shorter."""

FILES = python_files(*PACKAGES, "tests", "docs")


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_a_file_is_short(file: Path) -> None:
    n_lines = len(file.read_text(encoding="utf-8").splitlines())

    assert n_lines <= MAX_FILE_LINES, f"{n_lines} lines: split it by what it is about"


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_every_function_is_short(file: Path) -> None:
    lengths = {
        function.name: (function.end_lineno or 0) - function.lineno + 1
        for function in functions_in(tree_of(file))
    }

    assert {name: n for name, n in lengths.items() if n > MAX_FUNCTION_LINES} == {}


@pytest.mark.parametrize("file", python_files(*PACKAGES), ids=name_of)
def test_every_class_is_narrow(file: Path) -> None:
    for node in ast.walk(tree_of(file)):
        if not isinstance(node, ast.ClassDef):
            continue
        methods = [
            child.name
            for child in node.body
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            and not child.name.startswith("_")
            and not child.decorator_list
        ]
        n_allowed = WIDER.get(node.name, MAX_PUBLIC_METHODS)
        assert len(methods) <= n_allowed, f"{node.name}: {sorted(methods)}"


def test_the_list_of_wide_classes_does_not_grow() -> None:
    assert len(WIDER) <= 2
