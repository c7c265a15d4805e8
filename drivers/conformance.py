"""What a try of a driver is told in: levels, single results, and the report of all of them."""

from dataclasses import asdict, dataclass
from enum import StrEnum

__all__ = ["ConformanceReport", "Level", "Outcome", "Result"]


class Level(StrEnum):
    """How far a driver can be relied upon, each level on top of the one before."""

    BRONZE = "bronze"
    """It does what its card says, within its limits."""
    SILVER = "silver"
    """It says the truth when the wire or the device goes wrong."""
    GOLD = "gold"
    """It leaves nothing running, forgets nothing that it did, and takes no noise for an answer."""


class Outcome(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Result:
    """How one check of one driver ended."""

    check: str
    """What was checked, as a sentence."""
    subject: str
    """The action it was checked on, or the driver's name."""
    level: Level
    outcome: Outcome
    detail: str = ""
    """What went wrong and where, or why it was left out."""


@dataclass(frozen=True, slots=True)
class ConformanceReport:
    """Everything that was checked of one driver."""

    driver: str
    model: str
    claimed: Level
    """What the card says."""
    results: tuple[Result, ...]

    @property
    def reached(self) -> Level | None:
        """The highest level with nothing failed at it or below; None if bronze is not reached."""
        found = None
        for level in Level:
            if any(one.outcome is Outcome.FAILED and one.level is level for one in self.results):
                return found
            found = level
        return found

    @property
    def failed(self) -> tuple[Result, ...]:
        """What went wrong."""
        return tuple(one for one in self.results if one.outcome is Outcome.FAILED)

    @property
    def counts(self) -> dict[str, int]:
        """How many checks ended in each way."""
        return {
            outcome.value: sum(one.outcome is outcome for one in self.results)
            for outcome in Outcome
        }

    @property
    def keeps_its_word(self) -> bool:
        """Whether the driver reaches the level that its card claims."""
        order = list(Level)
        return self.reached is not None and order.index(self.reached) >= order.index(self.claimed)

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return {
            "driver": self.driver,
            "model": self.model,
            "claimed": self.claimed.value,
            "reached": None if self.reached is None else self.reached.value,
            "keeps_its_word": self.keeps_its_word,
            "results": [asdict(one) for one in self.results],
        }
