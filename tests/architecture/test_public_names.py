"""What a module says is public is what is public in it; ruff keeps `__all__` sorted (RUF022).

Functions and classes must be listed. Constants and type aliases may stay unlisted: they are there
for the reader of the module. A route's function is called by its address, not imported.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.source_tree import functions_in, name_of, shipped_files, tree_of

OPERATIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def targets_of(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name for alias in names)


def names_in(tree: ast.Module, *, imported: bool) -> set[str]:
    kinds = (ast.Import, ast.ImportFrom)
    chosen = [node for node in tree.body if isinstance(node, kinds) == imported]
    return {name for node in chosen for name in targets_of(node)}


def is_route(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Tell whether a router calls this."""
    calls = [each.func for each in node.decorator_list if isinstance(each, ast.Call)]
    owners = [each.value for each in calls if isinstance(each, ast.Attribute)]
    return any(isinstance(owner, ast.Name) and owner.id == "router" for owner in owners)


def declared_in(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and "__all__" in targets_of(node):
            return list(ast.literal_eval(node.value))
    return None


@pytest.mark.parametrize("file", shipped_files(), ids=name_of)
def test_all_is_what_is_public(file: Path) -> None:
    tree = tree_of(file)
    declared = declared_in(tree)
    operations = {
        node.name
        for node in tree.body
        if isinstance(node, OPERATIONS) and not node.name.startswith("_") and not is_route(node)
    }

    if declared is None:
        assert not operations, f"no __all__, though {sorted(operations)} are public"
        return
    there = names_in(tree, imported=False) | names_in(tree, imported=True)
    assert len(declared) == len(set(declared)), "__all__ says a name twice"
    assert not operations - set(declared), f"not in __all__: {sorted(operations - set(declared))}"
    assert not set(declared) - there, f"not in the module: {sorted(set(declared) - there)}"


@pytest.mark.parametrize("file", shipped_files(), ids=name_of)
def test_no_public_function_passes_unknown_keywords_on(file: Path) -> None:
    passers = [
        function.name
        for function in functions_in(tree_of(file))
        if function.args.kwarg is not None and not function.name.startswith("_")
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg is None and ast.unparse(keyword.value) == function.args.kwarg.arg
    ]

    assert passers == []
