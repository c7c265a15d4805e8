"""The file of channels: who may read it, what is refused, and that no address is ever shown."""

import pytest

from orchestrator.alarms.channels import load_channels
from orchestrator.core.events import Severity
from orchestrator.errors import SettingsError
from tests.support.alarm_bench import write_channels

SECRET = "json://ada:Hunter2Token@hooks.example"
GOOD = f"""
repeat_s = 600
[channels.oncall]
url = "{SECRET}"
minimum = "high"
[channels.boss]
url = "{SECRET}/boss"
level = 3
[channels.night]
url = "{SECRET}/night"
level = 2
after_s = 60
"""


def test_levels_wait_for_their_turn(tmp_path):
    found = load_channels(write_channels(tmp_path / "channels.toml", GOOD))

    assert found.repeat_s == 600
    assert found.channels["oncall"].minimum is Severity.HIGH
    delays = {name: channel.delay_s for name, channel in found.channels.items()}
    assert delays == {"oncall": 0, "boss": 1800, "night": 60}
    assert "Hunter2Token" not in repr(found)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    path = write_channels(tmp_path / "channels.toml", GOOD, mode=mode)

    with pytest.raises(SettingsError, match=rf"permissions 0{mode:o}', expected 0600.*chmod 600"):
        load_channels(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("level = 3", "level = 0"), r"channels\.boss\.level"),
        (GOOD.replace('"high"', '"loud"'), r"channels\.oncall\.minimum.*critical"),
        (GOOD.replace("url", "urls", 1), r"channels\.oncall"),
        (GOOD.replace("repeat_s = 600", "repeat_s = 1"), r"repeat_s.*60"),
        (f'url = "{SECRET}"', "channels"),
        (f'[channels.x]\nurl = "{SECRET}', "a mistake at end of document"),
        (f'[channels."{SECRET}"]\nlevel = 1', r"channels\.\.\.\."),
        (f"[channels.x]\nurl = {SECRET}", "a mistake at line 2"),
        (f'[channels.x]\nurl = ["{SECRET}"]', r"channels\.x\.url"),
        ("", "channels"),
    ],
)
def test_a_mistake_is_told_by_its_key_alone(tmp_path, text, said):
    path = write_channels(tmp_path / "channels.toml", text)

    with pytest.raises(SettingsError, match=said) as caught:
        load_channels(path)

    assert "Hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_no_file_is_told(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        load_channels(tmp_path / "none.toml")

    path = tmp_path / "latin.toml"
    path.write_bytes(b"\xff")
    path.chmod(0o600)
    with pytest.raises(SettingsError, match="UTF-8"):
        load_channels(path)
