"""Every driver: its files, its true card, its units, and words that a chemist can read."""

import inspect
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from campaigns.units import unit_suffix
from drivers.card import card_of
from drivers.instrument import Action, Instrument
from tests.support.source_tree import ROOT, tree_of

DEVICES = ROOT / "drivers" / "devices"
FOLDERS = sorted(
    folder for folder in DEVICES.iterdir() if folder.is_dir() and not folder.name.startswith("_")
)
FILES = {"README.md", "__init__.py", "card.toml", "driver.py", "rig.toml"}
FILES_OF_A_CODEC = {"codec.py", "transcript.txt"}
WORDS_READ = {
    "done_by", "door_state", "execution_id", "light_state", "limit_state", "note", "relay_state",
    "run_id", "run_state", "stability", "substance", "unit_state",
}  # fmt: skip
"""Readings whose value is a word."""
VERBS = {"Set", "Measure", "Move", "Dispense", "Start", "Stop", "Wait", "Read"}


def driver_in(folder: Path) -> type[Instrument]:
    (entry,) = [
        entry
        for entry in metadata.entry_points(group="athanor.drivers")
        if entry.name == folder.name
    ]
    found = entry.load()
    assert inspect.isclass(found)
    assert issubclass(found, Instrument)
    return found


def actions() -> list[tuple[type[Instrument], Action]]:
    drivers = [driver_in(folder) for folder in FOLDERS]
    return [(driver, action) for driver in drivers for action in driver.actions.values()]


def action_name(driver: type[Instrument], action: Action) -> str:
    return f"{driver.__name__}.{action.name}"


every_device = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
every_action = pytest.mark.parametrize(
    ("driver", "action"), actions(), ids=[action_name(*found) for found in actions()]
)


def test_devices_and_entry_points_are_the_same() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert set(project["entry-points"]["athanor.drivers"]) == {folder.name for folder in FOLDERS}


@every_device
def test_a_device_has_its_files(folder: Path) -> None:
    found = {entry.name for entry in folder.iterdir() if entry.name != "__pycache__"}
    has_codec = card_of(driver_in(folder)).device.codec == "own"
    expected = FILES | (FILES_OF_A_CODEC if has_codec else set())
    more = {name for name in found - expected if not name.endswith(".py") and name != "codecs"}

    assert expected <= found
    assert not more


@every_device
def test_the_card_is_true(folder: Path) -> None:
    driver = driver_in(folder)
    card = card_of(driver)

    assert set(card.actions) == set(driver.actions)
    for name, action in driver.actions.items():
        assert card.actions[name].recovery is action.recovery


@every_device
def test_a_codec_does_no_io(folder: Path) -> None:
    source = (folder / "codec.py").read_text(encoding="utf-8")

    assert tree_of(folder / "codec.py").body
    doing_io = r"^\s*(async|await)\b|\bopen\(|^(import|from) (asyncio|socket)"
    assert not re.search(doing_io, source, re.M)


@every_device
def test_a_device_has_a_pretend_twin(folder: Path) -> None:
    assert (ROOT / "simulators" / "devices" / f"{folder.name}.py").is_file()


@every_action
def test_a_summary_begins_with_a_verb_of_the_house(
    driver: type[Instrument], action: Action
) -> None:
    assert action.summary.split()[0] in VERBS, f"{driver.__name__}.{action.name}"
    assert action.summary.endswith(".")


@every_action
def test_numbers_carry_their_unit_and_limits(driver: type[Instrument], action: Action) -> None:
    for argument in action.arguments:
        if argument.kind is float and not card_of(driver).actions[action.name].unit_in:
            assert unit_suffix(argument.name) is not None, argument.name
        if argument.kind is int:
            assert argument.name.startswith("n_") or unit_suffix(argument.name), argument.name
        if argument.kind in (float, int):
            assert abs(argument.low) != float("inf"), f"{argument.name} has no lower limit"
            assert abs(argument.high) != float("inf"), f"{argument.name} has no upper limit"


@every_action
def test_readings_carry_their_unit(driver: type[Instrument], action: Action) -> None:
    has_own = bool(card_of(driver).actions[action.name].unit_in)
    numbers = set() if has_own else set(action.readings) - WORDS_READ

    assert [name for name in numbers if unit_suffix(name) is None] == []


@every_action
def test_the_docstring_says_what_every_argument_is(
    driver: type[Instrument], action: Action
) -> None:
    text = inspect.getdoc(getattr(driver, action.name)) or ""

    missing = [
        argument.name
        for argument in action.arguments
        if not re.search(rf"^\s+{argument.name}: ", text, re.M)
    ]

    assert missing == []
