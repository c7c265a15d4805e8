"""One word, one meaning: names that we define use the glossary's words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.source_tree import name_of, shipped_files, tree_of

SYNONYMS = {
    "cfg": "the thing's own name",
    "helper": "what it does",
    "helpers": "what they do",
    "labware": "position",
    "msg": "message",
    "recommend": "propose",
    "recommendation": "candidate",
    "recommendations": "candidates",
    "recommender": "planner",
    "studies": "campaigns",
    "study": "campaign",
    "suggest": "propose",
    "suggested": "proposed",
    "suggestion": "candidate",
    "suggestions": "candidates",
    "trial": "experiment",
    "trials": "experiments",
    "util": "what it does",
    "utils": "what they do",
    "workcell": "rig",
    "workflow": "recipe",
    "workflows": "recipes",
}
"""A word that is not ours, and the one that is (docs/ARCHITECTURE.md, Glossary)."""

AS_THE_LIBRARY_SAYS = {("orchestrator/optimise/ax_proposal.py", "trial")}
"""Names for a library's own object, in the one module that speaks to it. May only get shorter."""

EMPTY_MODULE_NAMES = {"base", "common", "helpers", "manager", "misc", "utils"}

LIBRARIES = {
    "apsw",
    "ax",
    "botorch",
    "fastapi",
    "gpytorch",
    "moocore",
    "numpy",
    "pandas",
    "plotly",
    "prefect",
    "pyarrow",
    "pydantic",
    "rich",
    "scipy",
    "serial",
    "sqlalchemy",
    "torch",
    "typer",
}
"""What our code imports."""

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words_of(identifier: str) -> set[str]:
    return {word.lower() for word in WORD.findall(identifier)}


def defined_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno


@pytest.mark.parametrize("file", shipped_files(), ids=name_of)
def test_names_are_the_glossarys(file: Path) -> None:
    strangers = [
        f"line {line}: {name} (say {SYNONYMS[word]})"
        for name, line in defined_names(tree_of(file))
        for word in words_of(name) & SYNONYMS.keys()
        if (name_of(file), name) not in AS_THE_LIBRARY_SAYS
    ]

    assert strangers == []
    assert len(AS_THE_LIBRARY_SAYS) <= 1


@pytest.mark.parametrize("file", shipped_files(), ids=name_of)
def test_a_module_is_named_after_what_it_is_about(file: Path) -> None:
    assert file.stem not in EMPTY_MODULE_NAMES
    assert not words_of(file.stem) & SYNONYMS.keys()
    assert file.stem not in LIBRARIES, "a module named like a library hides it from the reader"
