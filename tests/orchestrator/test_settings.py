import getpass
from pathlib import Path

import pytest

from orchestrator.errors import SettingsError
from orchestrator.settings import settings_from


def test_without_variables_the_log_is_in_this_folder_and_the_actor_is_who_is_logged_in() -> None:
    settings = settings_from({"HOME": "/nowhere"})

    assert settings.database == Path("athanor.db")
    assert settings.actor == getpass.getuser()


def test_variables_are_read_and_the_command_line_goes_first() -> None:
    environment = {"ATHANOR_DATABASE": "a.db", "ATHANOR_ACTOR": "ada"}

    assert settings_from(environment).actor == "ada"
    assert settings_from(environment, database="b.db").database == Path("b.db")


@pytest.mark.parametrize("variable", ["ATHANOR_DATABSE", "ATHANOR_database", "ATHANOR_"])
def test_an_unknown_variable_is_refused_by_name(variable: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}: got 'x', .*ATHANOR_DATABASE"):
        settings_from({variable: "x"})


def test_an_empty_actor_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^actor: got ''"):
        settings_from({"ATHANOR_ACTOR": ""})
