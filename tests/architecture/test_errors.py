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


STRAYS = {
    "campaigns.fields.Mistake",  # raised inside pydantic's validators, which take ValueErrors only
    "campaigns.fields.Mistakes",
    "orchestrator.engine.journal.EngineSuperseded",
    "orchestrator.execution.guarded_line.OrderExpired",
    "orchestrator.optimise.planner.UnsupportedCampaign",
}
"""Signals within one room. The list may only get shorter."""


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


def test_errors_are_defined_where_their_family_is() -> None:
    strays = {
        f"{module_of(file)}.{node.name}"
        for file in shipped_files()
        if module_of(file) not in FAMILIES
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and any(ast.unparse(parent).endswith(("Error", "Exception")) for parent in node.bases)
    }

    assert strays <= STRAYS
    assert len(STRAYS) <= 5
