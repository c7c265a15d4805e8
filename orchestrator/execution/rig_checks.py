"""What can be wrong with a rig file, found all at once; nothing is opened to find out."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from campaigns.errors import Problem
from drivers.catalog import driver_named, line_kind_named, names
from drivers.clock import Clock, SystemClock
from drivers.errors import RigError
from orchestrator.core.patience import Patience
from orchestrator.execution.closed_line import ClosedLine
from orchestrator.execution.equal_instruments import equal_mistakes
from orchestrator.execution.mistakes import dotted, expected_in, one_of, problems_in
from orchestrator.execution.rig_spec import (
    ContaminationSpec,
    FaultSpec,
    InstrumentSpec,
    InterlockSpec,
    LineSpec,
    NeverTogetherSpec,
    PositionSpec,
    RigHeader,
    RigSpec,
    SafeActionSpec,
    SafetySpec,
    SimulationSpec,
    StockLotSpec,
    StockSpec,
)
from orchestrator.execution.safety_checks import (
    interlock_mistakes,
    limit_mistakes,
    safe_state_mistakes,
)

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

__all__ = ["problems_of"]

Tables = Mapping[str, Any]
"""A parsed TOML file: its values are of any type until they are judged."""

Found = TypeVar("Found")
Model = TypeVar("Model", bound=BaseModel)


def problems_of(tables: Tables) -> list[Problem]:
    """Return every mistake of a parsed rig file, in the order of the file's parts."""
    return [*_mistakes_of_form(tables), *_Cross(tables).mistakes()]


def _mistakes_of_form(tables: Tables) -> Iterator[Problem]:
    try:
        RigSpec.model_validate(tables)
    except ValidationError as error:
        for mistake in error.errors(include_url=False):
            yield _problem_of_form(mistake, tables)


def _problem_of_form(mistake: "ErrorDetails", tables: Tables) -> Problem:
    path = tuple(part for part in mistake["loc"] if part != "[key]")
    key = dotted(path)
    if mistake["type"] == "extra_forbidden":
        return Problem(key, path[-1], one_of(_known_keys(path[:-1]), path[-1]))
    if len(path) < len(mistake["loc"]):
        return Problem(key, path[-1], "a name of letters, digits and _, a letter first")
    return Problem(key, _value_at(tables, path), expected_in(mistake))


def _value_at(tables: object, path: Sequence[str | int]) -> object:
    value = tables
    for part in path:
        match value:
            case Mapping():
                value = value.get(part)
            case list() | tuple() if isinstance(part, int):
                value = value[part]
            case _:
                return None
    return value


def _known_keys(path: Sequence[str | int]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "simulation.fault": FaultSpec,
        "simulation": SimulationSpec,
        "never_together": NeverTogetherSpec,
        "contamination": ContaminationSpec,
        "stock.lot": StockLotSpec,
        "stock": StockSpec,
        "positions": PositionSpec,
        "instruments.safe_state": SafeActionSpec,
        "instruments": InstrumentSpec,
        "interlock": InterlockSpec,
        "rig": RigHeader,
        "safety": SafetySpec,
        "alarms": Patience,
        "": RigSpec,
    }
    places = [str(part) for part in path if not isinstance(part, int)]
    place = ".".join(places[:2]) if places[:1] == ["simulation"] else ".".join(places[:1])
    if places[:1] == ["instruments"] and places[2:] == ["safe_state"]:
        place = "instruments.safe_state"
    if places[:1] == ["stock"] and places[2:] == ["lot"]:
        place = "stock.lot"
    fields = models[place].model_fields
    return [field.alias or name for name, field in fields.items()]


class _Cross:
    """Looks at the parts of a file that are well formed and at what they say of each other."""

    def __init__(self, tables: Tables) -> None:
        self.lines = _readable(tables, "lines", LineSpec)
        self.stock = _named(tables, "stock")
        self.positions = _named(tables, "positions")
        self.racks = {
            name: spec
            for name, spec in _readable(tables, "positions", PositionSpec).items()
            if spec.capacity_ml is None or spec.slots > 1
        }
        self.instruments = _readable(tables, "instruments", InstrumentSpec)
        self.line_names = _named(tables, "lines")
        self.instrument_names = _named(tables, "instruments")
        self.interlocks = _readable_entries(tables, "interlock", InterlockSpec)
        self.never_together = _readable_entries(tables, "never_together", NeverTogetherSpec)
        self.contamination = _readable_entries(tables, "contamination", ContaminationSpec)
        self.simulation = tables.get("simulation")
        self.clock: Clock = SystemClock()
        self.worlds = names("athanor.worlds")
        kinds = {line.kind for line in self.lines.values()} & set(names("athanor.lines"))
        self.line_kinds = {kind: _tried(line_kind_named, kind) for kind in kinds}
        used = {spec.driver for spec in self.instruments.values()} & set(names("athanor.drivers"))
        self.drivers = {driver: _tried(driver_named, driver) for driver in used}

    def mistakes(self) -> Iterator[Problem]:
        yield from self._simulation_mistakes()
        for name, line in self.lines.items():
            yield from self._line_mistakes(name, line)
        for name in sorted(self.stock & self.positions):
            yield Problem(f"positions.{name}", name, "a name that no stock has")
        for name, instrument in self.instruments.items():
            yield from self._instrument_mistakes(name, instrument)
        for index, pair in self.never_together.items():
            for name in sorted({*pair.stock} - self.stock):
                yield Problem(f"never_together[{index}].stock", name, one_of(self.stock, name))
        yield from self._contamination_mistakes()
        yield from self._address_mistakes()
        yield from self._port_mistakes()
        yield from equal_mistakes(self.instruments, self.instrument_names)
        yield from self._safety_mistakes()

    def _safety_mistakes(self) -> Iterator[Problem]:
        known = {
            name: driver
            for name, spec in self.instruments.items()
            if isinstance(driver := self.drivers.get(spec.driver), type)
        }
        for name, driver in known.items():
            yield from limit_mistakes(name, self.instruments[name], driver)
            yield from safe_state_mistakes(name, self.instruments[name], driver)
        yield from interlock_mistakes(self.interlocks, self.instrument_names, known)

    def _simulation_mistakes(self) -> Iterator[Problem]:
        if not isinstance(self.simulation, Mapping):
            return
        world = self.simulation.get("world")
        if isinstance(world, str) and world not in self.worlds:
            yield Problem("simulation.world", world, one_of(self.worlds, world))
        faults = self.simulation.get("fault")
        for index, fault in enumerate(faults if isinstance(faults, list) else []):
            victim = fault.get("instrument") if isinstance(fault, Mapping) else None
            if isinstance(victim, str) and victim not in self.instrument_names:
                key = f"simulation.fault[{index}].instrument"
                yield Problem(key, victim, one_of(self.instrument_names, victim))

    def _line_mistakes(self, name: str, line: LineSpec) -> Iterator[Problem]:
        kind = self.line_kinds.get(line.kind)
        if kind is None:
            expected = one_of(names("athanor.lines"), line.kind)
            yield Problem(f"lines.{name}.kind", line.kind, expected)
        elif isinstance(kind, RigError):
            yield Problem(f"lines.{name}.kind", line.kind, kind.expected)
        else:
            try:
                kind.from_settings(name, line.settings, self.clock)
            except RigError as error:
                yield from _problems_from(error, f"lines.{name}")

    def _instrument_mistakes(self, name: str, spec: InstrumentSpec) -> Iterator[Problem]:
        where = f"instruments.{name}"
        if spec.line not in self.line_names:
            yield Problem(f"{where}.line", spec.line, one_of(self.line_names, spec.line))
        yield from self._plumbing_mistakes(where, spec)
        driver = self.drivers.get(spec.driver)
        if driver is None:
            expected = one_of(names("athanor.drivers"), spec.driver)
            yield Problem(f"{where}.driver", spec.driver, expected)
        elif isinstance(driver, RigError):
            yield Problem(f"{where}.driver", spec.driver, driver.expected)
        else:
            try:
                driver.from_settings(name, ClosedLine(spec.line), self.clock, spec.settings)
            except RigError as error:
                yield from _problems_from(error, f"{where}.settings")

    def _plumbing_mistakes(self, where: str, spec: InstrumentSpec) -> Iterator[Problem]:
        sources = self.stock | self.positions
        if spec.at is not None and spec.at not in self.positions:
            yield Problem(f"{where}.at", spec.at, one_of(self.positions, spec.at))
        if spec.draws_from is not None and spec.draws_from not in sources:
            yield Problem(f"{where}.draws_from", spec.draws_from, one_of(sources, spec.draws_from))
        if spec.delivers_to is not None and spec.delivers_to not in self.positions:
            expected = one_of(self.positions, spec.delivers_to)
            yield Problem(f"{where}.delivers_to", spec.delivers_to, expected)
        for key, place in (("draws_from", spec.draws_from), ("delivers_to", spec.delivers_to)):
            if place in self.racks:
                expected = "a position with capacity_ml and one slot: liquids are poured into it"
                yield Problem(f"{where}.{key}", place, expected)
        if (spec.draws_from is None) != (spec.delivers_to is None):
            missing = "draws_from" if spec.draws_from is None else "delivers_to"
            yield Problem(f"{where}.{missing}", None, "a name: a pump draws and delivers")
        elif spec.draws_from is not None and spec.draws_from == spec.delivers_to:
            yield Problem(f"{where}.delivers_to", spec.delivers_to, "another than draws_from")

    def _contamination_mistakes(self) -> Iterator[Problem]:
        for index, rule in self.contamination.items():
            for key, said in (("of", rule.of), ("places", rule.places)):
                for name in sorted({one for one in said if said.count(one) > 1}):
                    yield Problem(f"contamination[{index}].{key}", name, "each name once")
            for name in sorted({*rule.places} - self.positions):
                expected = one_of(self.positions, name)
                yield Problem(f"contamination[{index}].places", name, expected)

    def _address_mistakes(self) -> Iterator[Problem]:
        on_line: dict[str, list[tuple[str, InstrumentSpec]]] = defaultdict(list)
        for name, spec in self.instruments.items():
            on_line[spec.line].append((name, spec))
        for line, sharing in on_line.items():
            if len(sharing) == 1:
                continue
            seen: dict[object, str] = {}
            for name, spec in sharing:
                key = f"instruments.{name}.settings.address"
                address = spec.settings.get("address")
                if address is None:
                    others = ", ".join(other for other, _ in sharing if other != name)
                    yield Problem(key, None, f"an address: line {line} is shared with {others}")
                elif address in seen:
                    expected = f"an address of its own: {seen[address]} has it on line {line}"
                    yield Problem(key, address, expected)
                else:
                    seen[address] = name

    def _port_mistakes(self) -> Iterator[Problem]:
        """Yield lines that would open what another line has already."""
        seen: dict[str, str] = {}
        for name, line in self.lines.items():
            port = line.settings.get("port")
            if port is None:
                continue
            end = repr((line.kind, line.settings.get("host"), port))
            other = seen.setdefault(end, name)
            if other != name:
                yield Problem(f"lines.{name}.port", port, f"a port of its own: line {other} has it")


def _tried(look_up: Callable[[str], Found], name: str) -> Found | RigError:
    try:
        return look_up(name)
    except RigError as error:
        return error


def _named(tables: Tables, part: str) -> set[str]:
    table = tables.get(part)
    return set(table) if isinstance(table, Mapping) else set()


def _readable(tables: Tables, part: str, model: type[Model]) -> dict[str, Model]:
    table = tables.get(part)
    found = {}
    for name, entry in table.items() if isinstance(table, Mapping) else ():
        try:
            found[name] = model.model_validate(entry)
        except ValidationError:
            continue  # reported by _mistakes_of_form
    return found


def _readable_entries(tables: Tables, part: str, model: type[Model]) -> dict[int, Model]:
    entries = tables.get(part)
    found = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        try:
            found[index] = model.model_validate(entry)
        except ValidationError:
            continue  # reported by _mistakes_of_form
    return found


def _problems_from(error: RigError, where: str) -> Iterator[Problem]:
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        yield from problems_in(cause, where)
    else:
        yield Problem(error.key, error.got, error.expected)
