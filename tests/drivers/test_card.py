"""Cards and settings: an unknown key is answered with the keys that there are."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers.card import DriverCard, card_of
from drivers.clock import SystemClock
from drivers.devices.eurotherm_3200 import Eurotherm3200
from drivers.devices.rest_values.driver import RestValuesSettings
from drivers.errors import RigError, rig_error_from
from drivers.instrument import settings_in
from drivers.serial_line import SerialLine


def error_of_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> RigError:
    text = (Path(__file__).parents[2] / "drivers/devices/eurotherm_3200/card.toml").read_text()
    (tmp_path / "card.toml").write_text(text.replace("[actions.fire]", f"[actions.fire]\n{change}"))
    monkeypatch.setattr("drivers.card.folder_of", lambda driver: tmp_path)
    with pytest.raises(RigError) as caught:
        card_of(Eurotherm3200)
    return caught.value


def test_an_unknown_key_of_an_action_is_answered_with_the_keys_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = error_of_card(tmp_path, monkeypatch, "leaves_running = true")

    assert error.key.endswith("card.toml.actions.fire.leaves_running")
    assert error.expected == "one of after, example, leaves_on, recovery, unit_in, why"


def test_an_unknown_setting_of_a_line_is_answered_likewise() -> None:
    with pytest.raises(RigError) as caught:
        SerialLine.from_settings("balance", {"port": "/dev/null", "bytesize": 7}, SystemClock())

    assert caught.value.key == "lines.balance.bytesize"
    assert "byte_size" in caught.value.expected


def test_settings_in_tables_of_tables_are_answered_likewise() -> None:
    table = {
        "identity": {"path": "/a", "text": "b"},
        "measured": {"p_bar": {"path": "/", "low": 0.0, "high": 1.0, "color": "red"}},
    }
    with pytest.raises(RigError) as caught:
        settings_in(RestValuesSettings, "chiller", table)

    assert caught.value.key == "instruments.chiller.settings.measured.p_bar.color"
    assert caught.value.expected == "one of high, low, path, pointer, scale"


def test_without_a_model_the_words_are_pydantics() -> None:
    with pytest.raises(ValidationError) as caught:
        DriverCard.model_validate({"nose": 1})

    assert "required" in rig_error_from("card", caught.value).expected
