"""What a rig file may say: frozen models, and nothing that reads a file or opens a line."""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

__all__ = [
    "FaultSpec",
    "InstrumentSpec",
    "LineSpec",
    "PositionSpec",
    "RigHeader",
    "RigSpec",
    "SimulationSpec",
    "StockSpec",
]

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


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


class RigSpec(_Table):
    """A whole rig file: with what the laboratory works."""

    header: RigHeader = Field(alias="rig")
    simulation: SimulationSpec | None = None
    lines: dict[Name, LineSpec] = Field(min_length=1)
    stock: dict[Name, StockSpec] = {}
    positions: dict[Name, PositionSpec] = {}
    instruments: dict[Name, InstrumentSpec] = Field(min_length=1)

    def as_tables(self) -> dict[str, Any]:
        """Return the rig in the structure of its TOML file, with defaults filled in.

        The values are of any type because those of lines and drivers are.
        """
        return self.model_dump(mode="python", by_alias=True, exclude_none=True)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the canonical form, as hexadecimal digits."""
        tables = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        text = json.dumps(tables, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
