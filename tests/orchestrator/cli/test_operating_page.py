"""The operator's page names every command, every option of `run` and every exit code."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from orchestrator.cli import options
from orchestrator.cli.app import app

PAGE = (Path(__file__).parents[3] / "docs" / "OPERATING.md").read_text(encoding="utf-8")


def verbs() -> list[str]:
    found = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found += [f"{name} {sub}" for sub in inner] if inner else [name]
    return found


@pytest.mark.parametrize("verb", verbs())
def test_every_command_is_on_the_page(verb):
    assert re.search(rf"`athanor {verb}\b", PAGE)


@pytest.mark.parametrize(
    "option", ["--dry-run", "--seed", "--resume", "--new", "--live", "--plain"]
)
def test_every_way_to_run_is_on_the_page(option):
    assert option in PAGE


def test_every_exit_code_is_on_the_page():
    codes = {getattr(options, name) for name in options.__all__ if name.startswith("EXIT_")}

    assert codes == {0, 2, 3, 4, 5}
    for code in codes:
        assert f"\n| {code} | " in PAGE
