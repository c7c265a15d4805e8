"""What a rig file may say: frozen models, and nothing that reads a file or opens a line."""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from orchestrator.core.patience import Patience

__all__ = [
    "FaultSpec",
    "InstrumentSpec",
    "InterlockSpec",
    "LineSpec",
    "PositionSpec",
    "RigHeader",
    "RigSpec",
    "SafeActionSpec",
    "SafetySpec",
    "SimulationSpec",
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
    kind: Literal["lost", "late", "garbled", "stalled", "refused"]
    exchange: int | None = Field(default=None, ge=1)
    """The how-manieth request to this instrument it befalls, from 1."""
    probability: float | None = Field(default=None, gt=0, le=1)
    """Share of all requests that it befalls, instead of `exchange`."""
    delay_s: float | None = Field(default=None, gt=0)
    """How late a late reply is, in seconds."""

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if (self.exchange is None) == (self.probability is None):
            raise ValueError("either exchange or probability")
        if self.delay_s is not None and self.kind != "late":
            raise ValueError("delay_s only where kind is 'late'")
        return self


class SimulationSpec(_Table):
    """The table ``[simulation]``: what a dry-run pretends."""

    world: str
    """Entry point of the group ``athanor.worlds``."""
    seed: int = Field(default=0, ge=0)
    """Of the bench's own imperfections, not of the campaign."""
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


class StockSpec(_Table):
    """One table ``[stock.<name>]``: a liquid that syringes draw from."""

    volume_ml: float = Field(gt=0)
    """How much there is when a campaign opens, in millilitres."""
    concentration_mol_per_l: float = Field(gt=0)
    density_g_per_ml: float = Field(gt=0)
    cost_usd_per_ml: float = Field(default=0.0, ge=0)


class PositionSpec(_Table):
    """One table ``[positions.<name>]``: a place on the bench that holds a sample."""

    capacity_ml: float = Field(gt=0)


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
    if tables["safety"] == SafetySpec().model_dump(mode="json"):
        del tables["safety"]
    if tables["alarms"] == Patience().model_dump(mode="json"):
        del tables["alarms"]
    if not tables["interlock"]:
        del tables["interlock"]
    if not tables["rig"]["is_simulated"]:
        del tables["rig"]["is_simulated"]
    for instrument in tables["instruments"].values():
        for key in ("limits", "safe_state"):
            if not instrument[key]:
                del instrument[key]
