"""Tables written as TOML read back as the same tables."""

import tomllib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.wiring.toml_text import toml_text
from tests.support.source_tree import ROOT

keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_what_is_written_reads_back(tables: dict[str, object]) -> None:
    assert tomllib.loads(toml_text(tables)) == tables


@pytest.mark.parametrize("name", ["oer/oer_rig.toml", "liquidus/liquidus_rig.toml"])
def test_a_rig_file_of_the_library_reads_back(name: str) -> None:
    text = (ROOT / "campaigns" / "library" / name).read_text(encoding="utf-8")

    assert tomllib.loads(toml_text(tomllib.loads(text))) == tomllib.loads(text)


def test_what_has_no_place_is_refused() -> None:
    with pytest.raises(TypeError, match="no place"):
        toml_text({"rig": {"since": datetime(2026, 1, 1, tzinfo=UTC)}})
