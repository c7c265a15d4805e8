"""No file longer than 400 lines, no function longer than 60, no class with more than 12 operations."""

import ast
from pathlib import Path

import pytest

from tests.support.source_tree import PACKAGES, functions_in, name_of, python_files, tree_of

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_PUBLIC_METHODS = 12

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
        assert len(methods) <= MAX_PUBLIC_METHODS, f"{node.name}: {sorted(methods)}"
