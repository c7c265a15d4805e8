"""Who shows several campaigns of one bench: a row for each, or lines that say whose they are."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from orchestrator.cli.interrupts import Interrupts
from orchestrator.cli.onlookers import PlainOnlooker
from orchestrator.cli.screens import bench_table
from orchestrator.service.labels import number_text
from orchestrator.service.views import CampaignView

if TYPE_CHECKING:
    from orchestrator.wiring import Progress

__all__ = ["LiveOnlookers", "PlainOnlookers"]

_DRAWN_PER_S: Final = 4


class LiveOnlookers:
    """A table that changes in place, with a row for each campaign and what the bench does.

    Args:
        screen: The terminal.
        interrupts: Says what Ctrl-C would do.
    """

    def __init__(self, screen: Console, interrupts: Interrupts) -> None:
        self._interrupts = interrupts
        self._of: dict[str, Progress] = {}
        self._has_ended = False
        self._live = Live(
            console=screen, refresh_per_second=_DRAWN_PER_S, get_renderable=self._drawing
        )

    def __enter__(self) -> Self:
        """Take the terminal."""
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
        """Take note of one campaign as it stands; a thread of its own draws the table."""
        self._of = {**self._of, progress.view.campaign_id: progress}

    def _drawing(self) -> RenderableType:
        of = self._of
        if not of:
            return Text()
        newest = max(of.values(), key=lambda one: one.now)
        parts: list[RenderableType] = [_table([one.view for _, one in sorted(of.items())])]
        if not self._has_ended:
            parts += [Text(), bench_table(newest.instruments), Text(f"\n{self._interrupts.hint}")]
        return Group(*parts)


class PlainOnlookers:
    """One line for what happens to each campaign, with its name.

    Args:
        interrupts: Says what Ctrl-C would do.
        database: The log, for the commands that it tells to type.
    """

    def __init__(self, interrupts: Interrupts, database: Path) -> None:
        self._interrupts = interrupts
        self._database = database
        self._of: dict[str, PlainOnlooker] = {}

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
        """Write what is worth a line since the last time this campaign was shown."""
        name = progress.view.campaign_id
        if name not in self._of:
            self._of[name] = PlainOnlooker(self._interrupts, self._database, says_whose=True)
        self._of[name].show(progress)


def _table(views: Sequence[CampaignView]) -> Table:
    """Return a row for each campaign."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("campaign")
    table.add_column("state")
    for heading in ("started", "observed", "failed", "best"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for view in views:
        counts = view.counts
        best = ", ".join(number_text(one.value) for one in view.best)
        reason = view.status_reason if view.status != "running" else ""
        table.add_row(
            view.campaign_id,
            view.status,
            str(counts.started),
            str(counts.observed),
            str(counts.failed),
            best or "–",
            Text(reason),
        )
    return table
