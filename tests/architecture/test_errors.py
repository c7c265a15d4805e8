"""One family of errors a package, its tree drawn where it is defined."""

import ast
import importlib
import inspect
from types import ModuleType

import pytest

from tests.support.source_tree import PACKAGES, module_of, shipped_files, tree_of

FAMILIES = {
    "campaigns.errors": "CampaignError",
    "drivers.errors": "DriverError",
    "orchestrator.errors": "AthanorError",
    "simulators.errors": "SimulatorError",
}


FOR_PYDANTIC = {"campaigns.fields.Mistake", "campaigns.fields.Mistakes"}
"""Raised inside pydantic's validators, which take ValueErrors only; the list may only shrink."""


def errors_in(module: ModuleType) -> list[type[BaseException]]:
    return [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, BaseException)
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    ]


def test_every_package_has_a_family() -> None:
    assert {name.partition(".")[0] for name in FAMILIES} == set(PACKAGES)


@pytest.mark.parametrize(("module_name", "base"), FAMILIES.items())
def test_every_error_is_of_its_family(module_name: str, base: str) -> None:
    module = importlib.import_module(module_name)
    family = getattr(module, base)

    for error in errors_in(module):
        assert issubclass(error, family), f"{error.__name__} is not a {base}"


@pytest.mark.parametrize("module_name", FAMILIES)
def test_the_tree_names_every_error(module_name: str) -> None:
    module = importlib.import_module(module_name)
    tree = module.__doc__ or ""

    missing = [error.__name__ for error in errors_in(module) if error.__name__ not in tree]

    assert missing == []


def local_errors() -> list[tuple[str, str]]:
    return [
        (module_of(file), node.name)
        for file in shipped_files()
        if module_of(file) not in FAMILIES
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and any(ast.unparse(parent).endswith(("Error", "Exception")) for parent in node.bases)
    ]


@pytest.mark.slow
def test_an_error_of_one_room_is_of_a_family_too() -> None:
    families = tuple(
        getattr(importlib.import_module(name), base) for name, base in FAMILIES.items()
    )

    strangers = {
        f"{module}.{name}"
        for module, name in local_errors()
        if not issubclass(getattr(importlib.import_module(module), name), families)
    }

    assert strangers <= FOR_PYDANTIC
    assert len(FOR_PYDANTIC) <= 2
