"""What a checksum finds, what goes unnoticed without one, and that both figures are kept."""

import json
from pathlib import Path

import pytest
from pymodbus.framer.rtu import FramerRTU

from tests.support.codec_fuzz import CHECKED, false_accepts, table
from tests.support.crc_prediction import missed_share, remainder
from tests.support.fuzz_book import keep


def test_a_checksum_finds_the_damage_that_no_form_shows() -> None:
    for device in CHECKED:
        counts = false_accepts(device, 3_000, seed=1)

        assert counts["other"] == 0
        assert counts["refused"] == counts["damaged"] == 3_000
        assert 0.0 < counts["predicted"] < 0.1


def test_without_a_checksum_damaged_digits_are_read() -> None:
    counts = false_accepts("tecan_cavro", 1_000, seed=1)

    assert counts["refused"] + counts["same"] + counts["other"] == counts["damaged"] == 1_000
    assert 0 < counts["other_value"] <= counts["other"]


def test_figures_of_several_runs_stand_beside_each_other(tmp_path: Path) -> None:
    path = tmp_path / "fuzz.json"

    keep(path, "codecs", {"a": {"n": 1}, "b": {"n": 2}})
    keep(path, "drivers", {"a": {"n": 3}})
    keep(path, "codecs", {"b": {"n": 4}})

    assert json.loads(path.read_text("utf-8")) == {
        "codecs": {"a": {"n": 1}, "b": {"n": 4}},
        "drivers": {"a": {"n": 3}},
    }


def test_the_table_says_what_a_checksum_predicts() -> None:
    one = {"n": 10, "n_read": 1, "damaged": 131_072, "other": 3, "other_value": 2}

    text = table({"eurotherm_3200": {**one, "missed": 3, "predicted": 2.0}, "tecan_cavro": one})

    assert "| `eurotherm_3200` | 10 | 1 | 131,072 | 3 | 2 | 3 | 2.0 |" in text
    assert "| `tecan_cavro` | 10 | 1 | 131,072 | 3 | 2 | no checksum | |" in text


def test_the_checksum_is_that_of_the_wire() -> None:
    asked = bytes.fromhex("01 03 00 01 00 01")
    register = 0xFFFF
    for byte in asked:
        register = remainder(bytes([register & 0xFF ^ byte])) ^ register >> 8

    assert register.to_bytes(2, "little") == FramerRTU.compute_CRC(asked).to_bytes(2, "big")


def test_what_the_algebra_says_is_what_trying_all_says() -> None:
    true, apart = bytes(7), (2, 4)
    missed = 0
    for first in range(1, 256):
        for second in range(1, 256):
            damage = bytearray(7)
            damage[apart[0]], damage[apart[1]] = first, second
            missed += remainder(bytes(damage)) == 0

    damaged = bytes([0, 0, 9, 0, 9, 0, 0])
    assert missed == 31
    assert missed_share(damaged, true) == pytest.approx(31 / 255**2)
    assert missed_share(bytes([0, 0, 9, 9, 0, 0, 0]), true) == 0.0
    assert missed_share(bytes([0, 0, 9, 0, 0, 0, 0]), true) == 0.0
    assert missed_share(bytes([1, 1, 9, 0, 9, 0, 0]), true) == 2.0**-16
