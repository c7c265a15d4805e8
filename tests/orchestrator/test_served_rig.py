"""One rig file, real and simulated: they differ in where the lines lead, and in nothing else."""

import asyncio
import difflib
import tomllib
from pathlib import Path

import pytest

from drivers.clock import SystemClock
from drivers.errors import RigError
from drivers.serial_line import SerialLineSettings
from orchestrator.execution.rig import bench_for, load_rig
from orchestrator.wiring.simulation import served_rig_text
from orchestrator.wiring.toml_text import toml_text
from tests.support.source_tree import ROOT
from tests.support.virtual_time import in_real_time

RIGS = sorted(
    [*ROOT.glob("campaigns/library/*/*_rig.toml"), *ROOT.glob("drivers/devices/*/rig.toml")]
)
WITHOUT_WIRE = ("opcua_lads", "sila_features")
SERVED = [file for file in RIGS if file.parent.name not in WITHOUT_WIRE]
HTTP_RIG = """
[rig]
name = "encrypted"
[simulation]
world = "oer_plate_3496"
[lines.balance]
kind = "http"
host = "balance.example"
port = 443
is_tls = true
connect_timeout_s = 7.0
[positions.vessel]
capacity_ml = 50.0
[instruments.balance]
driver = "mettler_toledo_sics"
line = "balance"
at = "vessel"
"""


def served_text(file: Path, folder: Path) -> str:
    """Serve the bench of a rig file for a moment and return the rig file that leads there."""

    async def main() -> str:
        bench = bench_for(load_rig(file), SystemClock(), 0)
        async with bench.served(folder) as settings:
            await asyncio.sleep(0)
            return served_rig_text(file, settings)

    return in_real_time(main)


@pytest.mark.parametrize("driver", WITHOUT_WIRE)
def test_a_line_that_no_wire_can_serve_is_refused_by_its_kind(driver: str, tmp_path: Path) -> None:
    file = ROOT / "drivers/devices" / driver / "rig.toml"
    (line,) = tomllib.loads(file.read_text(encoding="utf-8"))["lines"].values()

    with pytest.raises(RigError, match=rf"kind: got '{line['kind']}', expected one of"):
        served_text(file, tmp_path / "bench")


@pytest.mark.parametrize("file", SERVED, ids=lambda file: str(file.parent.name))
def test_a_rig_file_real_and_simulated_differs_in_its_lines_alone(
    file: Path, tmp_path: Path
) -> None:
    real = tomllib.loads(file.read_text(encoding="utf-8"))
    simulated = tomllib.loads(served_text(file, tmp_path / "bench"))

    assert simulated["rig"].pop("is_simulated") is True
    real["rig"].pop("is_simulated", None)
    assert set(simulated["lines"]) == set(real["lines"])
    assert simulated | {"lines": {}} == real | {"lines": {}}


def test_the_diff_of_the_shipped_rig_names_ports_only(tmp_path: Path) -> None:
    file = ROOT / "campaigns/library/oer/oer_rig.toml"
    real = toml_text(tomllib.loads(file.read_text(encoding="utf-8")))
    simulated = served_text(file, tmp_path)

    lines = difflib.unified_diff(real.splitlines(), simulated.splitlines(), n=0, lineterm="")
    changed = [line for line in lines if not line.startswith(("---", "+++", "@@"))]

    assert changed[0] == "+is_simulated = true"
    keys = {line[1:].partition(" ")[0] for line in changed[1:]}
    assert keys == {"host", "port"}
    assert len(changed) == 9


def test_what_leads_to_the_real_port_only_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "rig.toml"
    text = (ROOT / "drivers/devices/mettler_toledo_sics/rig.toml").read_text(encoding="utf-8")
    (line,) = tomllib.loads(text)["lines"].values()
    port = f'port = "{line["port"]}"'
    assert port in text
    file.write_text(text.replace(port, 'usb_serial_number = "A50285BI"'), encoding="utf-8")

    (table,) = tomllib.loads(served_text(file, tmp_path / "bench"))["lines"].values()

    assert table.pop("kind") == "serial"
    assert SerialLineSettings.model_validate(table).usb_serial_number is None


def test_a_served_bench_speaks_http_in_the_clear(tmp_path: Path) -> None:
    file = tmp_path / "rig.toml"
    file.write_text(HTTP_RIG, encoding="utf-8")

    (table,) = tomllib.loads(served_text(file, tmp_path / "bench"))["lines"].values()

    assert table.pop("port") > 0
    assert table == {"kind": "http", "host": "127.0.0.1", "connect_timeout_s": 7.0}
