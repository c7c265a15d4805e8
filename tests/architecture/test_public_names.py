"""What a module says is public is what is public in it; the order of `__all__` is ruff's (RUF022)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.source_tree import functions_in, name_of, shipped_files, tree_of

PRIVATE_BY_CUSTOM = {"logger"}
TYPE_VARIABLES = {"ParamSpec", "TypeVar", "TypeVarTuple"}


def targets_of(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(value=ast.Call(func=ast.Name(id=called))) if called in TYPE_VARIABLES:
            return
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


def declared_in(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and "__all__" in targets_of(node):
            return list(ast.literal_eval(node.value))
    return None


@pytest.mark.parametrize("file", shipped_files(), ids=name_of)
def test_all_is_what_is_public(file: Path) -> None:
    tree = tree_of(file)
    declared = declared_in(tree)
    own = {name for name in names_in(tree, imported=False) if not name.startswith("_")}
    own -= PRIVATE_BY_CUSTOM

    if declared is None:
        assert not own, f"no __all__, though {sorted(own)} are public"
        return
    assert len(declared) == len(set(declared)), "__all__ says a name twice"
    assert own <= set(declared), f"public but not in __all__: {sorted(own - set(declared))}"
    passed_on = set(declared) - own
    if file.name == "__init__.py":
        assert passed_on <= names_in(tree, imported=True), f"not there: {sorted(passed_on)}"
    else:
        assert not passed_on, f"in __all__ but not defined here: {sorted(passed_on)}"


@pytest.mark.parametrize("file", shipped_files(), ids=name_of)
def test_no_public_function_takes_any_keyword(file: Path) -> None:
    takers = [
        function.name
        for function in functions_in(tree_of(file))
        if function.args.kwarg is not None and not function.name.startswith("_")
    ]

    assert takers == []
