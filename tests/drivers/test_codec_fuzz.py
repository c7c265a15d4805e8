"""What a checksum finds, what goes unnoticed without one, and that both figures are kept."""

import json
from pathlib import Path

from tests.support.codec_fuzz import CHECKSUM_BITS, false_accepts, table
from tests.support.fuzz_book import keep


def test_a_checksum_finds_the_damage_that_no_form_shows() -> None:
    for device in CHECKSUM_BITS:
        counts = false_accepts(device, 3_000, seed=1)

        assert counts["other"] == 0
        assert counts["refused"] == counts["damaged"] == 3_000
        assert min(counts["wide"], counts["narrow"]) > 100


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

    text = table({"eurotherm_3200": {**one, "wide": 131_072}, "tecan_cavro": one})

    assert "| `eurotherm_3200` | 10 | 1 | 131,072 | 3 | 2 | 2.0 |" in text
    assert "| `tecan_cavro` | 10 | 1 | 131,072 | 3 | 2 | no checksum |" in text
