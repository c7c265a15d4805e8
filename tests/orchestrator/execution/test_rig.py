"""A rig file is judged whole at the door, and nothing is opened for it."""

from pathlib import Path

import pytest

from drivers.catalog import DRIVERS, LINES, names
from drivers.clock import SystemClock, VirtualClock
from orchestrator.core.patience import Patience
from orchestrator.errors import RigFileError
from orchestrator.execution.rig import (
    bench_for,
    drivers_for,
    lines_for,
    load_rig,
    rig_from_text,
)
from orchestrator.execution.rig_spec import (
    ContaminationSpec,
    FaultSpec,
    InstrumentSpec,
    InterlockSpec,
    LineSpec,
    PositionSpec,
    RigHeader,
    RigSpec,
    SafeActionSpec,
    SafetySpec,
    SimulationSpec,
    StockSpec,
)
from tests.support.benches import SMALL_RIG, on_virtual_time, small_rig

FINGERPRINT_BEFORE_SAFETY = "d1f0382633b7faed77fae1bdbbf9ddff3609d630fe14c323951043f5a3752326"
"""Of the small rig, as the version gave it whose rig files knew no safety."""
GROUPS = {"{drivers}": DRIVERS, "{lines}": LINES, "{worlds}": "athanor.worlds"}
"""What stands in the expected mistakes for the names that are installed."""
BAD_RIGS = sorted((Path(__file__).parent / "bad_rigs").glob("*.toml"))


@pytest.mark.parametrize("file", BAD_RIGS, ids=[file.stem for file in BAD_RIGS])
def test_every_mistake_of_a_bad_rig_is_told_at_once(file: Path) -> None:
    told = file.with_suffix(".txt").read_text(encoding="utf-8")
    for word, group in GROUPS.items():
        told = told.replace(word, ", ".join(names(group)))
    expected = told.splitlines()

    with pytest.raises(RigFileError) as caught:
        load_rig(file)

    assert str(caught.value).splitlines() == [f"{file}: {line}" for line in expected]
    assert len(caught.value.problems) == len(expected)


def test_there_are_ten_bad_rigs_at_least() -> None:
    assert len(BAD_RIGS) >= 10


def test_a_good_rig_comes_out_as_it_went_in() -> None:
    rig = small_rig(("pump_x1", "late", 3))

    again = RigSpec.model_validate(rig.as_tables())

    assert again == rig
    assert rig.header.cost_usd_per_hour == 6.0
    assert rig.simulation is not None
    assert rig.simulation.faults[0].exchange == 3
    assert rig.lines["pumps"].settings == {"port": "/dev/ttyUSB0", "baudrate": 19200}


def test_the_fingerprint_follows_what_the_file_says_and_not_how() -> None:
    shuffled = SMALL_RIG.replace(
        'name = "small-bench"\ncost_usd_per_hour = 6.0',
        '# a remark\ncost_usd_per_hour = 6.00\nname = "small-bench"',
    )
    changed = SMALL_RIG.replace("volume_ml = 100.0", "volume_ml = 101.0")

    fingerprint = rig_from_text(SMALL_RIG, file="a").fingerprint()

    assert rig_from_text(shuffled, file="b").fingerprint() == fingerprint
    assert rig_from_text(changed, file="c").fingerprint() != fingerprint
    assert len(fingerprint) == 64


def test_a_rig_that_says_nothing_of_safety_keeps_the_fingerprint_of_earlier_versions() -> None:
    spelt_out = SMALL_RIG.replace("[lines.pumps]", "[safety]\nheartbeat_s = 2.0\n[lines.pumps]")
    stricter = spelt_out.replace("2.0", "1.0")

    assert small_rig().fingerprint() == FINGERPRINT_BEFORE_SAFETY
    assert rig_from_text(spelt_out, file="a").fingerprint() == FINGERPRINT_BEFORE_SAFETY
    assert rig_from_text(stricter, file="b").fingerprint() != FINGERPRINT_BEFORE_SAFETY


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RigFileError, match="a file that can be read"):
        load_rig(tmp_path / "rig.toml")


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "rig.toml"
    file.write_bytes(b'[rig]\nname = "\xff"\n')

    with pytest.raises(RigFileError, match="got 'byte 0xff at 14', expected UTF-8 text"):
        load_rig(file)


def test_lines_are_built_and_not_opened() -> None:
    lines = lines_for(small_rig(), SystemClock())

    assert sorted(lines) == ["balance", "pumps", "source_meter"]
    assert all(line.name == name for name, line in lines.items())


def test_drivers_are_found_by_instrument() -> None:
    drivers = drivers_for(small_rig())

    assert drivers["pump_x1"] is drivers["pump_x2"]
    assert drivers["balance"].model.startswith("Mettler")


def test_a_rig_without_simulation_cannot_be_pretended() -> None:
    text = SMALL_RIG.replace('[simulation]\nworld = "oer_plate_3496"\n', "")
    rig = rig_from_text(text, file="rig.toml")

    async def main(clock: VirtualClock) -> None:
        bench_for(rig, clock, seed=0)

    with pytest.raises(RigFileError, match="simulation: got nothing, expected a table"):
        on_virtual_time(main)


def test_the_bench_has_the_lines_of_the_rig() -> None:
    rig = small_rig()

    async def main(clock: VirtualClock) -> list[str]:
        bench = bench_for(rig, clock, seed=0)
        return [bench.line(name).name for name in rig.lines]

    assert on_virtual_time(main) == list(rig.lines)


def test_plugins_that_cannot_be_imported_are_mistakes_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "broken-1.0.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (plugin / "entry_points.txt").write_text(
        "[athanor.drivers]\nbroken_doser = no_such_module:Doser\n"
        "[athanor.lines]\nbroken_line = no_such_module:Line\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    text = SMALL_RIG.replace("mettler_toledo_sics", "broken_doser").replace(
        '"tcp"', '"broken_line"'
    )

    with pytest.raises(RigFileError) as caught:
        rig_from_text(text, file="rig.toml")

    assert [problem.key for problem in caught.value.problems] == [
        "lines.source_meter.kind",
        "instruments.balance.driver",
    ]
    assert "No module named 'no_such_module'" in str(caught.value)


def test_a_rig_that_the_bench_cannot_pretend_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "stranger-1.0.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (plugin / "entry_points.txt").write_text(
        "[athanor.drivers]\nstranger = drivers.devices.mettler_toledo_sics:MettlerToledoSics\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    rig = rig_from_text(SMALL_RIG.replace("mettler_toledo_sics", "stranger"), file="rig.toml")

    async def main(clock: VirtualClock) -> None:
        bench_for(rig, clock, seed=0)

    with pytest.raises(RigFileError, match=r"rig small-bench: instruments\.balance\.driver: got"):
        on_virtual_time(main)


def test_the_reference_names_every_key_and_its_example_is_a_rig() -> None:
    page = Path(__file__).parents[3] / "docs" / "RIGS.md"
    text = page.read_text(encoding="utf-8")
    example = text.partition("```toml\n")[2].partition("```")[0]
    tables = (
        ContaminationSpec,
        FaultSpec,
        InstrumentSpec,
        InterlockSpec,
        LineSpec,
        Patience,
        PositionSpec,
        RigHeader,
        SafeActionSpec,
        SafetySpec,
        SimulationSpec,
        StockSpec,
    )

    rig = rig_from_text(example, file=page.name)

    keys = {field.alias or name for table in tables for name, field in table.model_fields.items()}
    assert {key for key in keys if f"`{key}`" not in text} == set()
    assert rig.header.name == "two-pump-bench"
