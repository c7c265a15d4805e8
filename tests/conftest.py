"""What holds for every test: one thread, the same examples each time, nothing left over."""

import logging
import os
import re
import shutil
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, settings

from drivers.sila_compiler import keep_compiler_apart

if TYPE_CHECKING:
    from playwright.sync_api import Browser

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

keep_compiler_apart()  # some test may import sila2, and another OR-tools

NEED_OUTSIDE: Final = ("browser", "crash", "postgres", "prefect")
"""Markers of tests that run only when ``-m`` names them."""

settings.register_profile(
    "house",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", settings.get_profile("house"), derandomize=False)
settings.load_profile("house")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs something from outside, unless the mark expression names it."""
    expression = config.getoption("markexpr")
    left_out = {mark for mark in NEED_OUTSIDE if not re.search(rf"\b{mark}\b", expression)}
    kept, dropped = [], []
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        (dropped if marks & left_out else kept).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    """Start the Chromium of this machine, once for all tests: Playwright bears no second one."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class _Complaints(logging.Handler):
    """Keeps what asyncio says about tasks that nobody awaited and errors that nobody took."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture(autouse=True)
def nothing_is_left_over() -> Iterator[None]:
    """Fail a test that leaves a task pending, an error unretrieved or a thread running."""
    complaints = _Complaints()
    before = set(threading.enumerate())
    logging.getLogger("asyncio").addHandler(complaints)
    yield
    logging.getLogger("asyncio").removeHandler(complaints)
    started = [t for t in threading.enumerate() if t not in before and not t.daemon]
    for thread in started:
        thread.join(timeout=5.0)
    assert not complaints.messages, "asyncio complained: " + "; ".join(complaints.messages)
    assert not any(thread.is_alive() for thread in started), f"threads left over: {started}"
