"""The engines of one process that share a bench: what one writes down wakes the others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Companions"]


class Companions:
    """Who is there, and who has nothing to do until somebody else does something.

    On the virtual clock, time stands still while somebody waits for the world outside. So that one
    campaign's pause stops no other, only an engine whose companions all wait as well does that.
    """

    def __init__(self) -> None:
        self._wakes: dict[str, Callable[[], None]] = {}
        self._waiting: dict[str, bool] = {}
        """Whether for a person, by campaign; else for a place that another has."""

    def join(self, campaign_id: str, wake: Callable[[], None]) -> None:
        """Take note of an engine.

        Args:
            campaign_id: Which it drives.
            wake: Has it look at the log at once.
        """
        self._wakes[campaign_id] = wake

    def leave(self, campaign_id: str) -> None:
        """Take note that an engine has gone; leaving twice does nothing.

        Args:
            campaign_id: Which it drove.
        """
        self._wakes.pop(campaign_id, None)
        self._waiting.pop(campaign_id, None)
        self.tell(campaign_id)

    def tell(self, campaign_id: str) -> None:
        """Have the others look at the log: something was written that may set them free.

        Until they have looked, nobody can say that they have nothing to do.

        Args:
            campaign_id: Who wrote it.
        """
        self._waiting = {one: why for one, why in self._waiting.items() if one == campaign_id}
        self._wake_others(campaign_id)

    def _wake_others(self, campaign_id: str) -> None:
        for name, wake in self._wakes.items():
            if name != campaign_id:
                wake()

    def do_others_work(self, campaign_id: str) -> bool:
        """Tell whether an engine is there that has something to do.

        Args:
            campaign_id: Which does not count.
        """
        return bool(self._wakes.keys() - self._waiting.keys() - {campaign_id})

    @property
    def is_person_awaited(self) -> bool:
        """Whether an engine waits for a person."""
        return any(self._waiting.values())

    @contextmanager
    def waiting(self, campaign_id: str, *, is_for_person: bool) -> Iterator[None]:
        """Count an engine among those that have nothing to do by themselves, for a block.

        Args:
            campaign_id: Which it drives.
            is_for_person: Whether it waits for a person; else for what another campaign has.
        """
        self._waiting[campaign_id] = is_for_person
        if not self.do_others_work(campaign_id):
            self._wake_others(campaign_id)  # they may wait for time that will not pass any more
        try:
            yield
        finally:
            self._waiting.pop(campaign_id, None)
