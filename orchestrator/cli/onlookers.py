"""Who shows a running campaign: a table that changes, or one line for each thing that happened."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from orchestrator.cli.interrupts import Interrupts
from orchestrator.cli.screens import run_panel
from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.next_steps import next_steps
from orchestrator.service.views import CampaignView, ExperimentView

if TYPE_CHECKING:
    from orchestrator.wiring import Progress

__all__ = ["LiveOnlooker", "PlainOnlooker"]

_DRAWN_PER_S: Final = 4
_THINKS_AFTER_S: Final = 1.0
_PLANS_WHILE: Final = ("running", "pausing", "stopping", "aborting")
"""A request that came while the planner thinks is read when it has answered."""


class LiveOnlooker:
    """A table that changes in place.

    Args:
        screen: The terminal.
        interrupts: Says what Ctrl-C would do.
        database: The log, for the commands that it tells to type.
    """

    def __init__(self, screen: Console, interrupts: Interrupts, database: Path) -> None:
        self._screen = screen
        self._interrupts = interrupts
        self._database = database
        self._begun_s = self._told_s = 0.0
        self._progress: Progress | None = None
        self._has_ended = False
        self._live = Live(
            console=screen, refresh_per_second=_DRAWN_PER_S, get_renderable=self._drawing
        )

    def __enter__(self) -> Self:
        """Take the terminal."""
        self._begun_s = self._screen.get_time()
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last table standing."""
        self._has_ended = True
        self._live.stop()

    def show(self, progress: "Progress") -> None:
        """Take note of the campaign as it stands; the table is drawn by a thread of its own.

        So the seconds go on and Ctrl-C is answered while a dry-run waits for its planner.
        """
        self._progress = progress
        self._told_s = self._screen.get_time()

    def _drawing(self) -> RenderableType:
        progress = self._progress
        if progress is None:
            return Text()
        now_s = self._screen.get_time()
        hint = self._interrupts.hint_while(is_waiting=progress.is_waited_for)
        return run_panel(
            progress.view,
            progress.instruments,
            elapsed_s=now_s - self._begun_s,
            thinking_s=self._thinking_s(progress.view, now_s),
            hint="" if self._has_ended else hint,
            steps=() if self._has_ended else _steps(progress, self._database),
            width=self._screen.width,
            height=self._screen.height,
        )

    def _thinking_s(self, view: CampaignView, now_s: float) -> float | None:
        """Return how long virtual time has stood still, which it does only for the planner."""
        stands_s = now_s - self._told_s
        is_person_asked = bool(view.waits_for)
        if self._has_ended or not view.is_simulated or is_person_asked:
            return None
        if view.status not in _PLANS_WHILE:
            return None
        return stands_s if stands_s >= _THINKS_AFTER_S else None


class PlainOnlooker:
    """One line for the beginning, for each change of state and for each experiment that ended.

    Args:
        interrupts: Says what Ctrl-C would do.
        database: The log, for the commands that it tells to type.
        says_whose: Whether the line of an experiment begins with its campaign.
    """

    def __init__(self, interrupts: Interrupts, database: Path, *, says_whose: bool = False) -> None:
        self._says_whose = says_whose
        self._interrupts = interrupts
        self._database = database
        self._steps: tuple[str, ...] = ()
        self._state = ""
        self._waits_for = ""
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave what was written."""

    def show(self, progress: "Progress") -> None:
        """Write what is worth a line since the last time."""
        view = progress.view
        if not self._state:
            kind = "simulated" if view.is_simulated else "real bench"
            typer.echo(f"{view.campaign_id} on {view.rig_name}, {kind}; {self._interrupts.hint}")
            self._skip_what_ended_before(view)
        ended = [
            experiment
            for experiment in view.experiments
            if experiment.ended_h is not None and experiment.experiment_id not in self._told
        ]
        for experiment in ended:
            self._told.add(experiment.experiment_id)
            so_far = _so_far(view) if experiment is ended[-1] else ""
            whose = f"{view.campaign_id} " if self._says_whose else ""
            typer.echo(f"{whose}{_experiment_line(view, experiment)}{so_far}")
        is_last = view.has_ended or (view.status == "paused" and not progress.is_waited_for)
        if self._state and view.status != self._state and not is_last:
            reason = (
                f": {view.status_reason}" if progress.is_waited_for and view.status_reason else ""
            )
            typer.echo(f"{view.campaign_id} {view.status}{reason}")
        if view.waits_for and view.waits_for != self._waits_for:
            typer.echo(f"{view.campaign_id} {view.waits_for}")
        self._state, self._waits_for = view.status, view.waits_for
        self._tell_steps(_steps(progress, self._database), progress)

    def _tell_steps(self, steps: tuple[str, ...], progress: "Progress") -> None:
        """Write what a person has to do, once for each change."""
        if steps and steps != self._steps:
            for step in steps:
                typer.echo(f"  {step}")
            typer.echo(f"  {self._interrupts.hint_while(is_waiting=progress.is_waited_for)}")
        self._steps = steps

    def _skip_what_ended_before(self, view: CampaignView) -> None:
        """Count what an earlier run told of; a resumed campaign begins where it was left."""
        before = [entry.experiment_id for entry in view.experiments if entry.ended_h is not None]
        if before:
            self._told.update(before)
            typer.echo(f"{len(before)} experiments had ended before{_so_far(view)}")


def _steps(progress: "Progress", database: Path) -> tuple[str, ...]:
    """Return what a person has to do while the engine stays and waits for that."""
    if progress.laboratory is None or not progress.is_waited_for:
        return ()
    return next_steps(progress.view, progress.laboratory, database=database)


def _experiment_line(view: CampaignView, experiment: ExperimentView) -> str:
    limit = view.limits[0].limit
    of = "" if limit is None else f"/{limit:.0f}"
    head = (
        f"{experiment.experiment_id} ({experiment.number}{of}, {experiment.ended_h:.1f} h) "
        f"{experiment.state}"
    )
    if experiment.state == "failed":
        return f"{head}: {experiment.cause}: {experiment.reason}"
    known = {**experiment.values, **experiment.computed}
    values = ", ".join(
        f"{label_from_name(objective.name)} {number_text(known.get(objective.name))}"
        for objective in view.objectives
    )
    return f"{head}: {values}"


def _so_far(view: CampaignView) -> str:
    best = ", ".join(number_text(best.value) for best in view.best)
    whole = f"hypervolume {number_text(view.hypervolume, 5)}"
    if view.best_trade_off is not None:
        whole = f"{view.best_trade_off.trade_off} {number_text(view.best_trade_off.worth, 5)}"
    return f"; so far best {best or '–'}, {whole}, {view.limits[2].used:,.0f} USD"
