"""``athanor calibrated``: a person calibrated an instrument."""

from typing import Annotated

import typer

from orchestrator.cli.options import DatabaseOption, JsonOption, lab_of, write_json, write_text

__all__ = ["calibrated"]


def calibrated(
    instrument: Annotated[
        str, typer.Argument(metavar="INSTRUMENT", help="As the rig file names it.")
    ],
    certificate: Annotated[
        str, typer.Option("--certificate", help="Where the result is kept: a number, a file.")
    ] = "",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Write down, under your name, that an instrument was calibrated just now.

    Example: athanor calibrated balance --certificate 2026-031
    """
    from orchestrator.service.calibrations import record_calibration

    with lab_of(database) as lab:
        time = record_calibration(lab, instrument, certificate=certificate)
    if as_json:
        write_json({"instrument": instrument, "calibrated_time": time.isoformat()})
    else:
        write_text(
            f"{instrument} was calibrated at {time:%Y-%m-%d %H:%M} UTC {certificate}".rstrip()
        )
