"""What every planner promises, and how one is found by its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import ClassVar, Final, Protocol, Self, runtime_checkable

from typing_extensions import override

from campaigns.errors import Problem
from campaigns.spec import CampaignSpec
from orchestrator.core.point import Candidate, Observation, Point
from orchestrator.errors import AthanorError
from orchestrator.optimise.bench_time import BenchTime

__all__ = [
    "FINEST_STEPS",
    "MOST_CELLS",
    "PLANNER_GROUP",
    "GridTooFine",
    "Planner",
    "Proposal",
    "UnsupportedCampaign",
    "UnsupportedSettings",
    "WrongSettings",
    "planner_for",
    "planner_names",
]

PLANNER_GROUP: Final = "athanor.planners"
"""Entry-point group in which planners are found."""
FINEST_STEPS: Final = 10_000
"""Steps, at most, into which a planner divides a composition: 0.0001 is the finest step."""
MOST_CELLS: Final = 40_000_000
"""Numbers, at most, in the tables from which points are drawn: a third of a gigabyte. About steps
times components times components present at once, half as many if all may be present."""


class UnsupportedCampaign(AthanorError):
    """A planner cannot honour a campaign; nothing was proposed.

    Args:
        planner: Name of the planner.
        reason: What it cannot honour.
    """

    def __init__(self, planner: str, reason: str) -> None:
        super().__init__(f"planner {planner!r}: {reason}")
        self.planner = planner
        self.reason = reason

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What the campaign's file should say instead."""
        expected = f"a planner that can honour the campaign; {self.reason}"
        return (Problem("planner", self.planner, expected),)


class UnsupportedSettings(UnsupportedCampaign):
    """Settings of a planner are wrong or do not suit the campaign.

    Args:
        planner: Name of the planner.
        problems: At least one; keys as in ``[planner.settings]``.
    """

    def __init__(self, planner: str, problems: Sequence[Problem]) -> None:
        super().__init__(planner, "; ".join(f"settings.{problem}" for problem in problems))
        self._problems = tuple(problems)

    @property
    @override
    def problems(self) -> tuple[Problem, ...]:
        """One for every setting that is wrong; keys as in the campaign's file."""
        return tuple(
            Problem(f"planner.settings.{problem.key}", problem.got, problem.expected)
            for problem in self._problems
        )


class WrongSettings(AthanorError, ValueError):
    """Settings are unknown or have impossible values.

    Args:
        problems: At least one; keys as in ``[planner.settings]``.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


class GridTooFine(UnsupportedCampaign):
    """No planner can search so fine a grid of so many components; nothing was counted."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a planner answers."""

    candidates: tuple[Candidate, ...]
    """Distinct, none of them pending."""
    method: str
    """How they were chosen, for example ``initial_design`` or ``log_nehvi``."""
    reason: str
    """Why in that way, and every fallback that was taken."""
    reference_point: Mapping[str, float] | None = None
    """By objective, in the campaign's units; None before a model or with a single objective."""


@runtime_checkable
class Planner(Protocol):
    """Chooses the next points from everything that is known; keeps nothing between calls."""

    name: ClassVar[str]
    tells_out_of_distribution: ClassVar[bool] = False
    """Whether its candidates say where the model had to guess, once there is a model."""

    @classmethod
    def from_settings(cls, settings: Mapping[str, object]) -> Self:
        """Build a planner from the settings in the campaign file.

        Raises:
            WrongSettings: A setting is unknown or has an impossible value.
        """
        ...

    def propose(
        self,
        campaign: CampaignSpec,
        observations: Sequence[Observation],
        pending: Sequence[Point],
        n: int,
        seed: int,
        *,
        bench: BenchTime | None = None,
    ) -> Proposal:
        """Choose the next points; a pure function of its arguments.

        Args:
            campaign: What is searched.
            observations: Everything that is known, in the order in which it was told.
            pending: Points asked for and not yet told.
            n: How many candidates are wanted, at least 1.
            seed: Seed of every random choice.
            bench: What experiments take there, and the hours left; planners without a model may
                leave it: what cannot be finished is not begun, whoever proposes it.

        Returns:
            Up to `n` candidates; fewer only if fewer feasible points are left that are not pending,
            did not fail and were not measured without error.
        """
        ...

    def refuse_unsupported(self, campaign: CampaignSpec) -> None:
        """Check that the campaign can be honoured.

        Raises:
            UnsupportedCampaign: It cannot; the reason is named.
        """
        ...


def planner_names() -> tuple[str, ...]:
    """Return the names of all planners that are installed, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=PLANNER_GROUP)}))


def planner_for(campaign: CampaignSpec) -> Planner:
    """Return the planner that a campaign names.

    Raises:
        GridTooFine: No planner can search so fine a grid.
        UnsupportedSettings: Its settings are wrong, or do not suit the campaign.
        UnsupportedCampaign: No such planner is installed, or it cannot honour the campaign.
    """
    name = campaign.planner.name
    found = [entry for entry in entry_points(group=PLANNER_GROUP) if entry.name == name]
    if not found:
        raise UnsupportedCampaign(name, f"unknown; known are {', '.join(planner_names())}")
    _refuse_fine_grid(campaign)
    kind: type[Planner] = found[0].load()
    try:
        planner = kind.from_settings(campaign.planner.settings)
    except WrongSettings as error:
        raise UnsupportedSettings(name, error.problems) from error
    if campaign.approval.gate == "out_of_distribution" and not kind.tells_out_of_distribution:
        reason = "it cannot say what is out of distribution: choose another approval.gate"
        raise UnsupportedCampaign(name, reason)
    planner.refuse_unsupported(campaign)
    return planner


def _refuse_fine_grid(campaign: CampaignSpec) -> None:
    composition = campaign.space.composition
    if composition is None:
        return
    name, n, n_steps = campaign.planner.name, len(composition.names), composition.n_steps
    if n_steps > FINEST_STEPS:
        raise GridTooFine(name, f"the finest step is 1/{FINEST_STEPS}")
    columns = sum(min(composition.max_active, n_left) + 1 for n_left in range(n + 1))
    if columns * (n_steps + 1) > MOST_CELLS:
        raise GridTooFine(
            name,
            f"{n} components in {n_steps} steps need tables of more than {MOST_CELLS} numbers, "
            "a coarser step or a smaller max_active fewer",
        )
