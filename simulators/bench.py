"""The pretend bench: everything that a rig file names, made of plumbing, devices and a world."""

import math
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.clock import Clock
from drivers.errors import RigError
from drivers.line import Line
from simulators.cells import cell_for
from simulators.device import Act, Fittings, FramedDevice
from simulators.devices import device_for
from simulators.faults import Fault, FaultPlan
from simulators.line import SimulatedLine
from simulators.plumbing import Plumbing, Substance, Vessel
from simulators.serving.plans import WirePlan
from simulators.worlds.world import World, world_named

__all__ = ["Bench"]

_POWDER: Final = Substance(concentration_mol_per_l=1.0, density_g_per_ml=1.0)


class _Part(BaseModel):
    """A part of the rig file as the bench needs it; the rest is checked where the file is read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Simulation(_Part):
    world: str
    drift_per_day: float = Field(default=0.0, ge=-1.0, le=1.0)
    film_ul: float = Field(default=0.0, ge=0.0, le=10_000.0)
    fault: tuple[Fault, ...] = ()


class _Line(_Part):
    kind: str
    baudrate: int | None = None


class _Lot(_Part):
    volume_ml: float | None = Field(default=None, gt=0)
    mass_g: float | None = Field(default=None, gt=0)


class _Stock(_Part):
    volume_ml: float | None = Field(default=None, gt=0)
    mass_g: float | None = Field(default=None, gt=0)
    lot: tuple[_Lot, ...] = ()
    concentration_mol_per_l: float | None = Field(default=None, gt=0)
    density_g_per_ml: float | None = Field(default=None, gt=0)

    @property
    def all_ml(self) -> float:
        """What its bottles hold altogether; a powder counts as a millilitre a gram."""
        own = self.volume_ml or self.mass_g
        return own or sum(one.volume_ml or one.mass_g or 0.0 for one in self.lot)

    @property
    def substance(self) -> Substance:
        """What is in them; fractions of powders are by mass."""
        concentration, density = self.concentration_mol_per_l, self.density_g_per_ml
        if concentration is None or density is None:
            return _POWDER
        return Substance(concentration, density)


class _Position(_Part):
    capacity_ml: float | None = Field(default=None, gt=0)


class _Instrument(_Part):
    driver: str
    line: str
    at: str | None = None
    draws_from: str | None = None
    delivers_to: str | None = None
    settings: dict[str, object] = {}


class _Rig(_Part):
    simulation: _Simulation
    lines: dict[str, _Line]
    stock: dict[str, _Stock] = {}
    positions: dict[str, _Position] = {}
    instruments: dict[str, _Instrument]


class Bench:
    """A lab in memory: clean vessels, full stock bottles, devices just switched on.

    One seed gives one bench: every device and every sample has its own source of chance, so
    that what one does is the same whatever the others do. Nothing outlives the process.

    Args:
        plans: How each line would be served, by name.
        lines: By name.
        devices: By instrument name.
        plumbing: Everything wet.
        clock: Of the bench.
    """

    def __init__(
        self,
        plans: Mapping[str, WirePlan],
        lines: Mapping[str, SimulatedLine],
        devices: Mapping[str, FramedDevice],
        plumbing: Plumbing,
        clock: Clock,
    ) -> None:
        self.plumbing = plumbing
        self._plans = dict(plans)
        self._lines = dict(lines)
        self._devices = dict(devices)
        self._clock = clock

    @classmethod
    def from_rig(cls, rig: Mapping[str, object], clock: Clock, *, seed: int) -> Self:
        """Build the bench that a rig file describes.

        Args:
            rig: The structure of the rig file, with ``simulation``.
            clock: The clock that everything on it goes by.
            seed: From which all chance is drawn, at least 0.

        Raises:
            RigError: The rig cannot be simulated: a key is missing or wrong, a driver has no
                pretend device, or the world is unknown.
        """
        parts = _parts(rig)
        world = world_named(parts.simulation.world)
        plumbing = _plumbing(parts)
        devices: dict[str, FramedDevice] = {}
        for name, instrument in parts.instruments.items():
            key = f"instruments.{name}"
            _refuse_strangers(key, instrument, parts)
            factory = device_for(instrument.driver, key=f"{key}.driver")
            fittings = _fittings(name, parts, plumbing, world, clock, seed)
            try:
                devices[name] = factory(fittings)
            except ValidationError as error:
                raise _rig_error(f"{key}.settings", error) from error
        plans = {
            name: WirePlan(
                line.kind,
                line.baudrate,
                tuple(known for known, on in parts.instruments.items() if on.line == name),
            )
            for name, line in parts.lines.items()
        }
        lines = {
            name: SimulatedLine(
                name,
                [devices[known] for known in plan.instruments],
                clock,
                baudrate=plan.baudrate,
            )
            for name, plan in plans.items()
        }
        return cls(plans, lines, devices, plumbing, clock)

    @asynccontextmanager
    async def served(self, folder: Path) -> AsyncIterator[dict[str, dict[str, object]]]:
        """Put every line behind a real wire of this machine for as long as the block lasts.

        Args:
            folder: An absolute path. It holds links to the terminals, tallies and the control
                socket; what was served from it before keeps its names and ports.

        Yields:
            What the rig file must say of each line to get here, with its kind, by line.

        Raises:
            LineError: The folder is in use or damaged, or a port is taken.
            RigError: There is no real wire for a line's kind.
        """
        from simulators.serving.lab import served  # noqa: PLC0415 - it needs a Unix, we do not

        async with served(
            folder,
            plans=self._plans,
            devices=self._devices,
            plumbing=self.plumbing,
            clock=self._clock,
        ) as lines:
            yield lines

    def line(self, name: str) -> Line:
        """Return a line by its name in the rig file.

        Raises:
            RigError: The rig has no such line.
        """
        if name not in self._lines:
            raise RigError(f"lines.{name}", got=name, expected=f"one of {sorted(self._lines)}")
        return self._lines[name]

    def device(self, instrument: str) -> FramedDevice:
        """Return the pretend device of an instrument.

        Raises:
            RigError: The rig has no such instrument.
        """
        if instrument not in self._devices:
            key = f"instruments.{instrument}"
            raise RigError(key, got=instrument, expected=f"one of {sorted(self._devices)}")
        return self._devices[instrument]

    def acts(self) -> dict[str, list[Act]]:
        """Return what every device did to matter so far, as of the last traffic or `settle`."""
        return {name: list(device.acts) for name, device in self._devices.items()}

    def settle(self) -> None:
        """Bring every pump in motion up to the present; needs the clock's running loop."""
        self.plumbing.settle(self._clock.monotonic_s())


def _parts(rig: Mapping[str, object]) -> _Rig:
    try:
        return _Rig.model_validate(rig)
    except ValidationError as error:
        raise _rig_error("", error) from error


def _rig_error(prefix: str, error: ValidationError) -> RigError:
    first = error.errors(include_url=False)[0]
    key = ".".join([*filter(None, [prefix]), *map(str, first["loc"])])
    return RigError(key, got=first.get("input"), expected=first["msg"])


def _refuse_strangers(key: str, instrument: _Instrument, parts: _Rig) -> None:
    """Refuse an instrument that names a line or a vessel which the rig lacks."""
    vessels = {name for name, one in parts.positions.items() if one.capacity_ml is not None}
    named = [
        ("line", instrument.line, set(parts.lines)),
        ("at", instrument.at, set(parts.positions)),
        ("draws_from", instrument.draws_from, set(parts.stock) | vessels),
        ("delivers_to", instrument.delivers_to, vessels),
    ]
    for setting, value, known in named:
        if value is not None and value not in known:
            raise RigError(f"{key}.{setting}", got=value, expected=f"one of {sorted(known)}")


def _plumbing(parts: _Rig) -> Plumbing:
    vessels: dict[str, Vessel] = {}
    for name, stock in parts.stock.items():
        contents = {name: stock.all_ml * 1000.0}
        vessels[name] = Vessel(math.inf, is_sealed=True, contents=contents)
    for name, position in parts.positions.items():
        if position.capacity_ml is None:
            continue  # samples stand there in vessels of their own: nothing is poured into it
        vessels[name] = Vessel(position.capacity_ml * 1000.0, is_sealed=False)
    substances = {name: stock.substance for name, stock in parts.stock.items()}
    return Plumbing(vessels, substances, film_ul=parts.simulation.film_ul)


def _fittings(
    name: str, parts: _Rig, plumbing: Plumbing, world: World, clock: Clock, seed: int
) -> Fittings:
    instrument = parts.instruments[name]
    cell = None
    if instrument.at is not None:
        sample_seed = (seed, _number_of(instrument.at), _number_of(world.name))
        rng = np.random.default_rng((seed, _number_of(name), 1))
        cell = cell_for(
            world,
            plumbing,
            instrument.at,
            sample_seed,
            rng,
            drift_per_day=parts.simulation.drift_per_day,
        )
    faults = [fault for fault in parts.simulation.fault if fault.instrument == name]
    return Fittings(
        name=name,
        clock=clock,
        plumbing=plumbing,
        rng=np.random.default_rng((seed, _number_of(name), 0)),
        faults=FaultPlan(faults, np.random.default_rng((seed, _number_of(name), 2))),
        settings=instrument.settings,
        draws_from=instrument.draws_from,
        delivers_to=instrument.delivers_to,
        at=instrument.at,
        cell=cell,
    )


def _number_of(name: str) -> int:
    """Return a number that stands for a name, the same in every process."""
    return zlib.crc32(name.encode("utf-8"))
