"""Log lines of the packages, as a person sees them."""

import logging
from collections.abc import Iterator

import pytest

from orchestrator.cli.warnings_shown import show_warnings


@pytest.fixture(autouse=True)
def handlers_are_put_back() -> Iterator[None]:
    root = logging.getLogger()
    before = list(root.handlers)
    yield
    root.handlers[:] = before


def test_a_warning_is_one_line_with_its_error_and_no_traceback(capsys):
    show_warnings()
    show_warnings()

    try:
        float("two\nlines")
    except ValueError:
        logging.getLogger("drivers.pump").exception("the stop is not confirmed")
    logging.getLogger("drivers.pump").info("nobody needs this")

    assert capsys.readouterr().err == (
        "ERROR drivers.pump: the stop is not confirmed – "
        "ValueError: could not convert string to float: 'two\\nlines'\n"
    )


def test_a_terminal_that_was_closed_stops_nobody(monkeypatch):
    class HungUp:
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    show_warnings()
    monkeypatch.setattr("sys.stderr", HungUp())

    logging.getLogger("drivers.pump").warning("SIGHUP: stopping the instruments")
