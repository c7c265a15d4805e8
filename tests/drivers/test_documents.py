"""What docs/DRIVERS.md and the READMEs say exists, and what exists they say."""

import inspect
import re
from pathlib import Path

import pytest

from drivers.catalog import DRIVERS, LINES, driver_named, names
from drivers.folder_line import FolderLineSettings
from drivers.http_line import HttpLineSettings
from drivers.instrument import RecoveryClass
from drivers.serial_line import SerialLineSettings
from drivers.task_board_line import TaskBoardLineSettings
from drivers.tcp_line import TcpLineSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "DRIVERS.md").read_text("utf-8")


def test_every_driver_and_action_is_on_the_page() -> None:
    for name in names(DRIVERS):
        assert f"`{name}`" in PAGE
        assert all(f"`{action}`" in PAGE for action in driver_named(name).actions)


def test_every_line_setting_and_recovery_class_is_on_the_page() -> None:
    settings = {
        *HttpLineSettings.model_fields,
        *SerialLineSettings.model_fields,
        *FolderLineSettings.model_fields,
        *TaskBoardLineSettings.model_fields,
        *TcpLineSettings.model_fields,
    }

    assert all(f"`{kind}`" in PAGE for kind in names(LINES))
    assert all(f"`{setting}`" in PAGE for setting in settings)
    assert all(f"`{recovery.value}`" in PAGE for recovery in RecoveryClass)


def test_every_file_that_the_page_names_exists() -> None:
    paths = set(re.findall(r"`?((?:drivers|tests|docs)/[\w/]+\.(?:py|md|txt))`?", PAGE))

    assert len(paths) >= 5
    assert all((ROOT / path).exists() for path in paths)


@pytest.mark.parametrize("device", names(DRIVERS))
def test_a_readme_names_every_action_reading_and_setting(device: str) -> None:
    driver = driver_named(device)
    folder = Path(inspect.getfile(driver)).parent
    readme = (folder / "README.md").read_text("utf-8")
    module = inspect.getmodule(driver)
    settings = getattr(module, f"{driver.__name__}Settings")

    for name, action in driver.actions.items():
        assert f"`{name}`" in readme
        assert all(f"`{argument.name}`" in readme for argument in action.arguments)
    assert all(f"`{setting}`" in readme for setting in settings.model_fields)
