"""``athanor simulate`` and ``simulate-fault``: a pretend bench behind real wires."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import JsonOption, messages, write_text

if TYPE_CHECKING:
    from orchestrator.wiring.simulation import ServedBench

__all__ = ["simulate", "simulate_fault"]


def simulate(
    rig: Annotated[
        Path, typer.Argument(metavar="RIG", help="Rig file that names a world to pretend.")
    ],
    tally: Annotated[
        Path,
        typer.Option(
            "--tally",
            metavar="DIR",
            help="Folder of tallies, terminals and control socket; made if need be.",
            show_default=False,
        ),
    ],
    speed: Annotated[
        float, typer.Option("--speed", metavar="N", help="Seconds of the lab in a real one.")
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the imperfections.")] = 0,
    rig_out: Annotated[
        Path | None,
        typer.Option(
            "--rig-out",
            metavar="FILE",
            help="Write the rig file to use here, instead of printing it.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put the pretend devices of a rig behind terminals and sockets until told to end.

    Each act of a device is appended to DIR/<instrument>.jsonl. The rig file to use is printed and
    stands in DIR/rig.toml; it stays valid when the bench is served from DIR again. DIR/ready is
    there while the bench is served. With --json one line says all that when the bench is ready.

    Example: athanor simulate oer_rig.toml --tally /tmp/lab --speed 50 --rig-out served_rig.toml
    """
    from orchestrator.wiring.simulation import SimulationOptions, simulate

    options = SimulationOptions(rig, tally, speed=speed, seed=seed, rig_out=rig_out)

    def tell(served: "ServedBench") -> None:
        if as_json:
            write_text(json.dumps(_summary(served)))
        else:
            _show(served)
            if rig_out is None:
                write_text(served.rig_text)

    simulate(options, on_ready=tell)


def simulate_fault(
    tally: Annotated[Path, typer.Argument(metavar="DIR", help="As given to simulate --tally.")],
    target: Annotated[str, typer.Argument(metavar="LINE_OR_INSTRUMENT", help="Of the rig.")],
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="lost, late, garbled, stalled, refused, truncated, doubled, corrupted, rebooted, "
            "wrong_identity: strikes the next request; unplug, plug-in, power-cycle: at once.",
        ),
    ],
    delay_s: Annotated[
        float | None,
        typer.Option(
            "--delay-s", help="How late a late reply comes, in the lab's time.", show_default=False
        ),
    ] = None,
) -> None:
    """Let something go wrong on a bench that is being served.

    Example: athanor simulate-fault /tmp/lab pump_x1 lost
    """
    from orchestrator.service.simulated_bench import SimulatedBench

    SimulatedBench(tally).cause(target, kind, delay_s=delay_s)
    write_text(f"{target}: {kind}")


def _summary(served: "ServedBench") -> dict[str, object]:
    return {
        "ready": True,
        "pid": served.pid,
        "speed": served.speed,
        "folder": str(served.folder),
        "rig": str(served.rig_file),
        "lines": served.lines,
    }


def _show(served: "ServedBench") -> None:
    """Say on stderr what is served; stdout is for the rig file."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("line")
    table.add_column("leads to")
    for name, address in served.lines.items():
        table.add_row(name, address)
    screen = messages()
    screen.print(table)
    screen.print(f"ready: process {served.pid}, speed {served.speed:g}, rig file {served.rig_file}")
