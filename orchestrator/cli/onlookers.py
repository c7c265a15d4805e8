"""Who shows a running campaign: a table that changes, or one line for each thing that happened."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer
from rich.console import Console
from rich.live import Live

from orchestrator.cli.interrupts import Interrupts
from orchestrator.cli.screens import run_panel
from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.views import CampaignView, ExperimentView

if TYPE_CHECKING:
    from orchestrator.wiring import Progress

__all__ = ["LiveOnlooker", "PlainOnlooker"]


class LiveOnlooker:
    """A table that changes in place.

    Args:
        screen: The terminal.
        interrupts: Says what Ctrl-C would do.
    """

    def __init__(self, screen: Console, interrupts: Interrupts) -> None:
        self._screen = screen
        self._interrupts = interrupts
        self._live = Live(console=screen, auto_refresh=False)
        self._begun_s = 0.0

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
        self._live.stop()

    def show(self, progress: "Progress") -> None:
        """Draw the campaign as it stands."""
        panel = run_panel(
            progress.view,
            progress.instruments,
            elapsed_s=self._screen.get_time() - self._begun_s,
            hint=self._interrupts.hint,
        )
        self._live.update(panel, refresh=True)


class PlainOnlooker:
    """One line for the beginning, for each change of state and for each experiment that ended.

    Args:
        interrupts: Says what Ctrl-C would do.
    """

    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._state = ""
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
        for experiment in view.experiments:
            if experiment.ended_h is not None and experiment.experiment_id not in self._told:
                self._told.add(experiment.experiment_id)
                typer.echo(_experiment_line(view, experiment))
        is_last = view.has_ended or view.status == "paused"
        if self._state and view.status != self._state and not is_last:
            typer.echo(f"{view.campaign_id} {view.status}")
        self._state = view.status


def _experiment_line(view: CampaignView, experiment: ExperimentView) -> str:
    experiments, hours, cost = view.limits
    limit = "" if experiments.limit is None else f"/{experiments.limit:.0f}"
    spent = f"{hours.used:.1f} h, {cost.used:,.0f} USD"
    head = f"{experiment.experiment_id} ({experiment.number}{limit}, {spent}) {experiment.state}"
    if experiment.state == "failed":
        return f"{head}: {experiment.cause}: {experiment.reason}"
    known = {**experiment.values, **experiment.computed}
    values = ", ".join(
        f"{label_from_name(objective.name)} {number_text(known.get(objective.name))}"
        for objective in view.objectives
    )
    best = ", ".join(number_text(best.value) for best in view.best)
    return f"{head}: {values}; best {best or '–'}; hypervolume {number_text(view.hypervolume, 5)}"
