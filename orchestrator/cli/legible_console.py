"""A terminal that nothing steers but we: what a device or a person said is only ever text."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from typing_extensions import override

from orchestrator.service.legible import legible

__all__ = ["LegibleConsole"]


class LegibleConsole(Console):
    """Shows control characters spelt out, wherever they come from."""

    @override
    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Return what is shown, piece by piece."""
        for piece in super().render(renderable, options):
            if piece.control:
                yield piece
            else:
                yield Segment(legible(piece.text), piece.style)
