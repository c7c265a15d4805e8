"""Which samples stand where, and whether there is room for another; pure.

A place holds one sample, or as many as it has slots. A place that was left unclean holds none.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from orchestrator.core.experiment import ExperimentState

__all__ = ["Occupancy", "Stay", "stays_of"]


@dataclass(frozen=True, slots=True)
class Stay:
    """One sample at one place."""

    place: str
    owner: str
    """Whose sample it is: ``E0007``, or ``oer-plate-1/E0007`` for one of another campaign."""
    slot: int = 1
    """From 1."""


def stays_of(experiment: ExperimentState, owner: str) -> tuple[Stay, ...]:
    """Return where an experiment's sample stands.

    Args:
        experiment: Any.
        owner: What it is called there.
    """
    places = sorted(experiment.places_held())
    return tuple(Stay(place, owner, experiment.slots.get(place, 1)) for place in places)


class Occupancy:
    """Places with what stands there; it changes as jobs are handed out.

    Args:
        slots: How many samples a place holds, by name; any other holds one.
        stays: Who stands where.
        blocked: Places that no sample may use, with who left them so.
    """

    def __init__(
        self, slots: Mapping[str, int], stays: Iterable[Stay], blocked: Mapping[str, str]
    ) -> None:
        self._slots = slots
        self._blocked = blocked
        self._owners: dict[str, dict[int, str]] = {}
        for stay in stays:
            self._owners.setdefault(stay.place, {})[stay.slot] = stay.owner

    def why_not(self, places: Collection[str], owner: str) -> tuple[str, ...]:
        """Return who keeps a sample out of places; nobody if there is room at all of them.

        Args:
            places: Where it is to stand; where it stands already there is room.
            owner: Whose sample it is.
        """
        found: list[str] = []
        for place in places:
            owners = self._owners.get(place, {})
            if owner in owners.values():
                continue
            if self._blocked.get(place, owner) != owner:
                found.append(self._blocked[place])
            elif len(owners) >= self._slots.get(place, 1):
                found.extend(owners.values())
        return tuple(dict.fromkeys(found))

    def occupy(self, places: Collection[str], owner: str) -> dict[str, int]:
        """Put a sample into places that have room.

        Returns:
            Its slot at each place that has several, from 1: the lowest that is free.
        """
        given: dict[str, int] = {}
        for place in places:
            owners = self._owners.setdefault(place, {})
            slot = next((slot for slot, who in owners.items() if who == owner), 0)
            if not slot:
                n_slots = self._slots.get(place, 1)
                slot = next(one for one in range(1, n_slots + 1) if one not in owners)
                owners[slot] = owner
            if place in self._slots:
                given[place] = slot
        return given
