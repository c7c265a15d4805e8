"""What shipped code never does. The lists of exceptions may only get shorter."""

import ast
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.support.source_tree import (
    PACKAGES,
    imported_packages,
    name_of,
    python_files,
    shipped_files,
    tree_of,
)

FORBIDDEN_IMPORTS = {
    "marshal": "no file is ever executed or unpickled",
    "pickle": "no file is ever executed or unpickled",
    "shelve": "no file is ever executed or unpickled",
    "sqlite3": "the log speaks to SQLite through apsw only",
    "time": "time comes from a Clock",
    "unittest": "fakes with real behaviour, not mocks",
    "yaml": "the documents are TOML",
}
IMPORT_EXCEPTIONS = {("drivers/clock.py", "time")}
"""The one clock reads the machine's."""

FORBIDDEN_CALLS = {
    "asyncio.create_task": "a TaskGroup owns every task",
    "asyncio.ensure_future": "a TaskGroup owns every task",
    "compile": "no text is ever executed",
    "datetime.now": "time comes from a Clock",
    "datetime.utcnow": "time comes from a Clock",
    "eval": "no text is ever executed",
    "exec": "no text is ever executed",
    "input": "people are asked through the CLI",
    "print": "the CLI writes through rich",
    "time.sleep": "waiting goes through a Clock",
}
CALL_EXCEPTIONS = {
    ("drivers/clock.py", "datetime.now"),
    ("drivers/clock.py", "time.sleep"),
    ("orchestrator/execution/connecting.py", "asyncio.create_task"),
    ("orchestrator/execution/interlocks.py", "asyncio.create_task"),
    ("orchestrator/execution/safeguards.py", "asyncio.create_task"),
    ("orchestrator/execution/order_desk.py", "asyncio.create_task"),
    ("orchestrator/wiring/benches.py", "asyncio.create_task"),
}
"""The one clock reads the machine's; an order outlives who waits for it, and so do the search for a
lost instrument, the watch over an interlock and the way to a safe state: `LocalExecutor.close` ends
all of them. What looks for alarms while no station lives must not wrap the engine's own errors."""

KILLERS = {
    "tests/benchmarks/dashboard_stream.py",
    "tests/crashes/crash_lane.py",
    "tests/crashes/dashboard_kill.py",
    "tests/crashes/naive_lane.py",
    "tests/crashes/pulled_cable.py",
    "tests/crashes/soak.py",
}
"""No tests but programs that drive or kill real processes at set times; they live in real time."""

BROAD_HANDLERS = {
    "orchestrator/engine/asking.py",
    "orchestrator/engine/loop.py",
    "orchestrator/execution/calming.py",
    "orchestrator/execution/job_boundary.py",
    "simulators/conformance/kit.py",
}
"""The engine's outermost loop and the executor's job boundary, on the way to rest too: the error
becomes an event. And the conformance kit, which tries code that it does not know."""


def calls_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield ast.unparse(node.func)


def breaches(
    names_in: Callable[[ast.Module], Iterable[str]],
    forbidden: dict[str, str],
    exceptions: set[tuple[str, str]],
) -> dict[tuple[str, str], str]:
    found = {
        (name_of(file), name): forbidden[name]
        for file in shipped_files()
        for name in names_in(tree_of(file))
        if name in forbidden
    }
    unused = exceptions - found.keys()
    assert not unused, f"no longer needed, take it off the list: {unused}"
    return {place: why for place, why in found.items() if place not in exceptions}


def test_no_forbidden_module_is_imported() -> None:
    assert breaches(imported_packages, FORBIDDEN_IMPORTS, IMPORT_EXCEPTIONS) == {}


def test_no_forbidden_function_is_called() -> None:
    assert breaches(calls_in, FORBIDDEN_CALLS, CALL_EXCEPTIONS) == {}


def test_the_lists_of_exceptions_do_not_grow() -> None:
    assert len(IMPORT_EXCEPTIONS) <= 1
    assert len(CALL_EXCEPTIONS) <= 7
    assert len(BROAD_HANDLERS) <= 5


@pytest.mark.parametrize("file", shipped_files(), ids=name_of)
def test_no_handler_swallows_everything(file: Path) -> None:
    broad = [
        node.lineno
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and not (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None)
    ]

    assert not broad or name_of(file) in BROAD_HANDLERS, f"broad except in lines {broad}"


@pytest.mark.parametrize("file", shipped_files(), ids=name_of)
def test_assertions_are_for_tests(file: Path) -> None:
    assert not [node.lineno for node in ast.walk(tree_of(file)) if isinstance(node, ast.Assert)]


@pytest.mark.parametrize("file", python_files("tests"), ids=name_of)
def test_no_test_mocks_or_sleeps(file: Path) -> None:
    imported = imported_packages(tree_of(file))
    called = set(calls_in(tree_of(file)))

    assert "unittest" not in imported
    assert "time.sleep" not in called or name_of(file) in KILLERS


@pytest.mark.parametrize("file", python_files("tests", *PACKAGES), ids=name_of)
def test_no_note_is_left_for_later(file: Path) -> None:
    marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]

    assert not [mark for mark in marks if mark in file.read_text(encoding="utf-8")]
