"""The rigs on which campaigns may be started: only those that the server's operator named."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from campaigns.errors import Problem
from drivers.errors import DriverError
from orchestrator.errors import RequestRefused, RigFileError, SettingsError
from orchestrator.execution.rig import load_rig, rig_from_text
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.service.launching.views import RigView
from orchestrator.service.refusals import refusal_lines

__all__ = ["NamedRig", "RigOffer", "RigsOnOffer"]


@dataclass(frozen=True, slots=True)
class RigOffer:
    """A rig file that campaigns may be started with."""

    file: Path
    speed: float = 1.0
    """Seconds of the lab in a real one; other than 1 only where simulators are served."""


@dataclass(frozen=True, slots=True)
class NamedRig:
    """A rig as its file says it now."""

    offer: RigOffer
    spec: RigSpec
    text: str
    """Of the file that the spec was read from."""

    @property
    def sha256(self) -> str:
        """Fingerprint of what the file says."""
        return self.spec.fingerprint()


class RigsOnOffer:
    """The rigs of one server, each read anew whenever it is asked for.

    Args:
        offers: Their files.

    Raises:
        RigFileError: A file is wrong.
        SettingsError: Two of them have one name, or a real one shall run at another speed.
    """

    def __init__(self, offers: Sequence[RigOffer]) -> None:
        self._offers: dict[str, RigOffer] = {}
        for offer in offers:
            spec = load_rig(offer.file)
            name = spec.header.name
            if name in self._offers:
                got = f"{self._offers[name].file} and {offer.file}"
                raise SettingsError("--rig", got=got, expected=f"one file for the rig {name}")
            if offer.speed != 1.0 and not spec.header.is_simulated:
                expected = f"1: the lines of {offer.file} lead to real devices"
                raise SettingsError("--speed", got=offer.speed, expected=expected)
            self._offers[name] = RigOffer(offer.file.absolute(), offer.speed)

    def named(self, name: str) -> NamedRig:
        """Return a rig as its file says it now.

        Args:
            name: Of the rig.

        Raises:
            RequestRefused: The server was not told of it, or its file cannot be used now.
        """
        offer = self._offers.get(name)
        if offer is None:
            known = ", ".join(self._offers) or "none: `athanor serve --rig FILE` names them"
            raise RequestRefused(f"rig: got {name[:100]!r}, expected one of {known}")
        try:
            return _read(name, offer)
        except (RigFileError, DriverError) as error:
            raise RequestRefused(f"the rig file cannot be used now: {error}") from error

    def unchanged(self, name: str, sha256: str) -> NamedRig:
        """Return a rig whose file says what it said.

        Args:
            name: Of the rig.
            sha256: Fingerprint of what somebody looked at.

        Raises:
            RequestRefused: It says something else, or cannot be used now.
        """
        rig = self.named(name)
        if rig.sha256 != sha256:
            raise RequestRefused(
                f"{rig.offer.file}: got a rig with fingerprint {rig.sha256[:12]}, expected "
                f"{sha256[:12]}: the file has changed since; check the campaign with it again"
            )
        return rig

    def views(self) -> tuple[RigView, ...]:
        """Return every rig as it is shown, in the order in which they were named."""
        return tuple(_view(name, offer) for name, offer in self._offers.items())


def _read(name: str, offer: RigOffer) -> NamedRig:
    """Read a rig file.

    Raises:
        RigFileError: It is wrong, or another rig's.
    """
    file = str(offer.file)
    try:
        text = offer.file.read_bytes().decode("utf-8")
    except OSError as error:
        problem = Problem("", error.strerror or "no file", "a file that can be read")
        raise RigFileError(file, [problem]) from error
    except UnicodeDecodeError as error:
        raise RigFileError(file, [Problem("", "other bytes", "UTF-8 text")]) from error
    spec = rig_from_text(text, file=file)
    if spec.header.name != name:
        raise RigFileError(file, [Problem("rig.name", spec.header.name, repr(name))])
    if offer.speed != 1.0 and not spec.header.is_simulated:
        problem = Problem("rig.is_simulated", False, f"true, as it runs at speed {offer.speed:g}")
        raise RigFileError(file, [problem])
    return NamedRig(offer, spec, text)


def _view(name: str, offer: RigOffer) -> RigView:
    try:
        rig = _read(name, offer)
    except (RigFileError, DriverError) as error:
        return RigView(
            name=name,
            file=str(offer.file),
            sha256="",
            is_simulated=False,
            can_dry_run=False,
            cost_usd_per_hour=0.0,
            instruments=(),
            speed=offer.speed,
            problem="; ".join(refusal_lines(error)),
        )
    return RigView(
        name=name,
        file=str(offer.file),
        sha256=rig.sha256,
        is_simulated=rig.spec.header.is_simulated,
        can_dry_run=rig.spec.simulation is not None,
        cost_usd_per_hour=rig.spec.header.cost_usd_per_hour,
        instruments=tuple(rig.spec.instruments),
        speed=offer.speed,
    )
