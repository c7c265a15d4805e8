"""What a rig file may say: frozen models, and nothing that reads a file or opens a line."""

import hashlib
import json
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from orchestrator.core.contamination import ContaminationRule
from orchestrator.core.patience import Patience

__all__ = [
    "ContaminationSpec",
    "FaultSpec",
    "InstrumentSpec",
    "InterlockSpec",
    "LineSpec",
    "NeverTogetherSpec",
    "PositionSpec",
    "RigHeader",
    "RigSpec",
    "SafeActionSpec",
    "SafetySpec",
    "SimulationSpec",
    "StockLotSpec",
    "StockSpec",
]

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


Limits = Annotated[tuple[float, float], Field(strict=False)]
"""Lowest and highest value."""


class _Table(BaseModel):
    """One table of a rig file: frozen, unknown keys refused, no text taken for a number."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
    )


class RigHeader(_Table):
    """The table ``[rig]``."""

    name: str = Field(min_length=1)
    cost_usd_per_hour: float = Field(default=0.0, ge=0)
    """What an hour on this bench costs, in US dollars."""
    is_simulated: bool = False
    """Whether the lines lead to pretend devices; every record says so."""


class SafetySpec(_Table):
    """The table ``[safety]``."""

    heartbeat_s: float = Field(default=2.0, ge=0.1, le=60.0)
    """How often engine and station show that they live, in seconds; three missed beats: dead."""


class InterlockSpec(_Table):
    """One table ``[[interlock]]``."""

    name: str = Field(min_length=1)
    readings: dict[Name, str] = Field(min_length=1)
    """Names of the condition, with what measures each: ``mass_g = "balance.measure_mass"``."""
    condition: str
    """Comparisons of those names that must hold, in the grammar of campaigns."""
    protects: tuple[str, ...] = Field(default=(), strict=False)
    """Instruments that may work only while it holds; all of them if left out."""
    poll_s: float = Field(default=1.0, ge=0.1)
    """How often it is checked while one of them works, in seconds."""
    on_trip: Literal["hold", "make_safe", "latch"] = "make_safe"
    """``hold``: what runs may end, nothing else begins. ``make_safe``: what runs is cut off and the
    instruments are made safe. ``latch``: the stop latch is set."""


class SafeActionSpec(_Table):
    """One table ``[[instruments.<name>.safe_state]]``."""

    action: str
    """One of the driver's that may be repeated freely."""
    arguments: dict[str, float | int | str | bool] = {}


class FaultSpec(_Table):
    """One table ``[[simulation.fault]]``: what goes wrong on the wire of a dry-run."""

    instrument: str
    kind: Literal[
        "lost", "late", "garbled", "stalled", "refused",
        "truncated", "doubled", "corrupted", "rebooted", "wrong_identity",
    ]  # fmt: skip
    exchange: int | None = Field(default=None, ge=1)
    """The how-manieth request to this instrument it befalls, from 1."""
    probability: float | None = Field(default=None, gt=0, le=1)
    """Share of all requests that it befalls, instead of `exchange`."""
    after_s: float | None = Field(default=None, ge=0)
    """Seconds of the bench after which it befalls the next request, instead of `exchange`."""
    delay_s: float | None = Field(default=None, gt=0)
    """How late a late reply is, in seconds."""

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        said = (self.exchange, self.probability, self.after_s)
        if sum(one is not None for one in said) != 1:
            raise ValueError("one of exchange, probability and after_s")
        if self.delay_s is not None and self.kind != "late":
            raise ValueError("delay_s only where kind is 'late'")
        return self


class SimulationSpec(_Table):
    """The table ``[simulation]``: what a dry-run pretends."""

    world: str
    """Entry point of the group ``athanor.worlds``."""
    seed: int = Field(default=0, ge=0)
    """Of the bench's own imperfections, not of the campaign."""
    drift_per_day: float = Field(default=0.0, ge=-1.0, le=1.0)
    """By which part of itself every outcome of the world grows a day."""
    film_ul: float = Field(default=0.0, ge=0.0, le=10_000.0)
    """What stays on the walls of a vessel that is emptied, and mixes into the next sample, in
    microlitres."""
    faults: tuple[FaultSpec, ...] = Field(default=(), alias="fault", strict=False)


class LineSpec(BaseModel):
    """One table ``[lines.<name>]``; all keys but ``kind`` belong to that kind of line."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)

    kind: str
    """Entry point of the group ``athanor.lines``."""

    @property
    def settings(self) -> dict[str, object]:
        """Every other key of the table, for the line kind to judge."""
        return dict(self.model_extra or {})


class StockLotSpec(_Table):
    """One table ``[[stock.<name>.lot]]``: a bottle that is there from the beginning."""

    name: str = Field(min_length=1)
    volume_ml: float | None = Field(default=None, gt=0)
    mass_g: float | None = Field(default=None, gt=0)
    purity: float | None = Field(default=None, gt=0, le=1)
    """Share of the substance itself, 0 to 1."""
    expires: date | None = None
    """The last day on which it may be used, in UTC."""

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if (self.volume_ml is None) == (self.mass_g is None):
            raise ValueError("either volume_ml or mass_g")
        return self

    @property
    def amount(self) -> float:
        """How much it holds, in the stock's unit."""
        return self.volume_ml or self.mass_g or 0.0


class StockSpec(_Table):
    """One table ``[stock.<name>]``: a liquid or a powder that instruments draw from."""

    volume_ml: float | None = Field(default=None, gt=0)
    """How much of a liquid there is when the laboratory hears of it first, in millilitres."""
    mass_g: float | None = Field(default=None, gt=0)
    """How much of a powder, in grams."""
    lots: tuple[StockLotSpec, ...] = Field(default=(), alias="lot", strict=False)
    """Instead of either: the bottles that are there."""
    concentration_mol_per_l: float | None = Field(default=None, gt=0)
    """Of a liquid."""
    density_g_per_ml: float | None = Field(default=None, gt=0)
    """Of a liquid."""
    cost_usd_per_ml: float = Field(default=0.0, ge=0)
    cost_usd_per_g: float = Field(default=0.0, ge=0)
    warn_hours: float = Field(default=24.0, gt=0)
    """How long before it runs out a person is told, in hours."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        said = [self.volume_ml is not None, self.mass_g is not None, bool(self.lots)]
        if sum(said) != 1:
            raise ValueError("exactly one of volume_ml, mass_g and [[lot]] tables")
        if len({one.name for one in self.lots}) < len(self.lots):
            raise ValueError("lots of different names")
        if len({one.volume_ml is None for one in self.lots}) > 1:
            raise ValueError("lots that all have volume_ml, or all mass_g")
        facts = (self.concentration_mol_per_l, self.density_g_per_ml)
        if self.unit == "ml" and None in facts:
            raise ValueError("concentration_mol_per_l and density_g_per_ml: it is a liquid")
        if self.unit == "ml" and self.cost_usd_per_g:
            raise ValueError("cost_usd_per_ml: it is a liquid")
        if self.unit == "g" and (facts != (None, None) or self.cost_usd_per_ml):
            raise ValueError("no key of a liquid beside a mass: it is a powder")
        return self

    @property
    def unit(self) -> Literal["ml", "g"]:
        """What its amounts are counted in."""
        is_powder = self.mass_g is not None or any(one.mass_g is not None for one in self.lots)
        return "g" if is_powder else "ml"

    @property
    def first_lots(self) -> tuple[StockLotSpec, ...]:
        """What the rig begins with; an amount without a lot's name is the lot ``first``."""
        only = StockLotSpec.model_construct(
            name="first", volume_ml=self.volume_ml, mass_g=self.mass_g, purity=None, expires=None
        )
        return self.lots or (only,)

    @property
    def amount(self) -> float:
        """How much the rig begins with altogether, in the unit."""
        return sum(one.amount for one in self.first_lots)

    @property
    def cost_usd_per_unit(self) -> float:
        """What a millilitre or a gram costs, in US dollars."""
        return self.cost_usd_per_g if self.unit == "g" else self.cost_usd_per_ml


class NeverTogetherSpec(_Table):
    """One table ``[[never_together]]``: stocks that must not meet in one vessel."""

    stock: tuple[str, ...] = Field(min_length=2, strict=False)
    """No two of them come into one vessel within one experiment."""
    reason: str = Field(min_length=1)
    """What would happen."""


class ContaminationSpec(_Table):
    """One table ``[[contamination]]``: components whose traces spoil a sample without them."""

    of: tuple[str, ...] = Field(min_length=1, strict=False)
    """Names of components."""
    places: tuple[str, ...] = Field(default=(), strict=False)
    """Positions where it counts; all of them if left out."""
    above: float = Field(default=0.0, ge=0, lt=1)
    """The fraction up to which a sample counts as holding none of a component."""


class PositionSpec(_Table):
    """One table ``[positions.<name>]``: a place on the bench that holds a sample."""

    capacity_ml: float | None = Field(default=None, gt=0)
    """What its vessel holds; left out where samples stand in vessels of their own."""
    slots: int = Field(default=1, ge=1, le=1000)
    """How many samples it holds at once."""


class InstrumentSpec(_Table):
    """One table ``[instruments.<name>]``."""

    driver: str
    """Entry point of the group ``athanor.drivers``."""
    line: str
    at: str | None = None
    """The position that it weighs or measures."""
    draws_from: str | None = None
    """The stock or position that its syringe fills from."""
    delivers_to: str | None = None
    """The position that its syringe empties into."""
    settings: dict[str, Any] = {}
    """The driver's own, of any type; the driver judges them."""
    limits: dict[str, dict[str, Limits]] = {}
    """By action and argument: lowest and highest value, both allowed, within the driver's own."""
    safe_state: tuple[SafeActionSpec, ...] = Field(default=(), strict=False)
    """What is done, in this order, after the driver has made the instrument safe."""
    equal_to: str | None = None
    """Another instrument that may be used instead, and the other way round."""
    calibrate_every_days: float | None = Field(default=None, gt=0)
    """How long a calibration counts, in days; an alarm says when it is due."""
    capacity: int = Field(default=1, ge=1, le=1000)
    """For how many samples one job is done at once: equal jobs with equal arguments, such as a
    furnace's programme."""


class RigSpec(_Table):
    """A whole rig file: with what the laboratory works."""

    header: RigHeader = Field(alias="rig")
    safety: SafetySpec = SafetySpec()
    alarms: Patience = Patience()
    simulation: SimulationSpec | None = None
    lines: dict[Name, LineSpec] = Field(min_length=1)
    stock: dict[Name, StockSpec] = {}
    positions: dict[Name, PositionSpec] = {}
    instruments: dict[Name, InstrumentSpec] = Field(min_length=1)
    interlocks: tuple[InterlockSpec, ...] = Field(default=(), alias="interlock", strict=False)
    never_together: tuple[NeverTogetherSpec, ...] = Field(default=(), strict=False)
    contamination: tuple[ContaminationSpec, ...] = Field(default=(), strict=False)

    @property
    def slots(self) -> dict[str, int]:
        """How many samples a place holds, by name, where it is more than one."""
        return {name: one.slots for name, one in self.positions.items() if one.slots > 1}

    @property
    def capacities(self) -> dict[str, int]:
        """For how many samples an instrument does one job, by name, where it is more than one."""
        return {name: one.capacity for name, one in self.instruments.items() if one.capacity > 1}

    @property
    def contamination_rules(self) -> tuple[ContaminationRule, ...]:
        """What traces of one sample spoil another, as campaigns are judged by it."""
        return tuple(
            ContaminationRule(of=one.of, places=one.places, above=one.above)
            for one in self.contamination
        )

    def as_tables(self) -> dict[str, Any]:
        """Return the rig in the structure of its TOML file, with defaults filled in.

        The values are of any type because those of lines and drivers are.
        """
        return self.model_dump(mode="python", by_alias=True, exclude_none=True)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the canonical form, as hexadecimal digits."""
        tables = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        _drop_what_is_not_said(tables)
        text = json.dumps(tables, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _drop_what_is_not_said(tables: dict[str, Any]) -> None:
    """Drop keys that came later and are left out, so that an older fingerprint stays true.

    The values are of any type because those of lines and drivers are.
    """
    for key, unsaid in (("safety", SafetySpec()), ("alarms", Patience())):
        if tables[key] == unsaid.model_dump(mode="json"):
            del tables[key]
    for key in ("interlock", "never_together", "contamination"):
        if not tables[key]:
            del tables[key]
    if not tables["rig"]["is_simulated"]:
        del tables["rig"]["is_simulated"]
    if "simulation" in tables:
        _drop(tables["simulation"], drift_per_day=0.0, film_ul=0.0)
    for stock in tables["stock"].values():
        _drop(stock, lot=[], cost_usd_per_g=0.0, warn_hours=24.0)
    for position in tables["positions"].values():
        _drop(position, slots=1)
    for instrument in tables["instruments"].values():
        _drop(instrument, limits={}, safe_state=[], capacity=1)


def _drop(table: dict[str, Any], **unsaid: object) -> None:
    """Drop keys of a table, whose values are of any type, that have the value of one left out."""
    for key, value in unsaid.items():
        if table[key] == value:
            del table[key]
