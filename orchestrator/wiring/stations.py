"""Station processes: what one is made of, and how it is sent away."""

import sys
from dataclasses import dataclass
from pathlib import Path

from orchestrator.execution.rig import load_rig
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.settings import Settings
from orchestrator.station.places import station_folder
from orchestrator.station.process import StationOptions, run_station
from orchestrator.station.starting import send_away
from orchestrator.wiring.alarm_beat import AlarmBeat

__all__ = ["StationWish", "end_station", "look_for_alarms", "serve_station"]


@dataclass(frozen=True, slots=True)
class StationWish:
    """What `athanor station` was asked."""

    rig_file: Path
    speed: float = 1.0
    stays: bool = False
    """Whether it stays when engines have gone."""


def serve_station(wish: StationWish, settings: Settings) -> str:
    """Be the station of a rig until told to leave.

    Returns:
        Why it left.

    Raises:
        RigFileError: The rig file is wrong.
        RequestRefused: Another station has the rig, or the speed does not fit it.
        LogError: The journal cannot be opened.
    """

    def on_beat_of(rig: RigSpec) -> AlarmBeat:
        return AlarmBeat(rig, settings, speed=wish.speed)

    database, rig_file = settings.database.resolve(), wish.rig_file.resolve()
    words = [sys.executable, "-m", "orchestrator", "alarms", "look", rig_file]
    words += ["--database", database, "--speed", f"{wish.speed:g}"]
    options = StationOptions(
        wish.rig_file,
        settings.database,
        speed=wish.speed,
        stays=wish.stays,
        alarm_command=tuple(str(word) for word in words),
    )
    return run_station(options, make_on_beat=on_beat_of)


def look_for_alarms(rig_file: Path, settings: Settings, *, speed: float = 1.0) -> None:
    """Raise what needs a person now and have people told, where no station lives that would.

    Args:
        rig_file: Says how long things may last.
        settings: Where the log is, and whom to tell.
        speed: Of the laboratory's clock.

    Raises:
        RigFileError: The rig file is wrong.
        SettingsError: The file of the channels is wrong, or others can read it.
    """
    AlarmBeat(load_rig(rig_file), settings, speed=speed).look_a_last_time()


def end_station(rig_file: Path, settings: Settings) -> str:
    """Tell the station of a rig to leave, and wait until it has.

    Returns:
        Why it stays; empty when none lives any more.

    Raises:
        RigFileError: The rig file is wrong.
    """
    folder = station_folder(settings.database, load_rig(rig_file).header.name)
    reason = f"{settings.actor} said so"
    return send_away(folder, settings.database, name=settings.actor, reason=reason)
