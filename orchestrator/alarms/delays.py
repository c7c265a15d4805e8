"""On-delay and off-delay: what comes and goes within seconds rings once, or not at all."""

from collections.abc import Iterable

from orchestrator.core.alarm_kinds import Condition, kind_of

__all__ = ["Delays"]


class Delays:
    """Remembers since when each condition has been seen, or has not been seen any more.

    It is kept in memory only: after a restart every delay begins anew.
    """

    def __init__(self) -> None:
        self._seen_s: dict[str, float] = {}
        self._missed_s: dict[str, float] = {}

    def ripe(
        self, found: Iterable[Condition], now_s: float, *, is_last: bool = False
    ) -> list[Condition]:
        """Return the conditions that have been there for their whole on-delay.

        Args:
            found: Those that are there now.
            now_s: The time on a scale that never goes back, in seconds.
            is_last: Whether nobody will ask again: no delay counts then.
        """
        present = {one.alarm: one for one in found}
        self._seen_s = {name: self._seen_s.get(name, now_s) for name in present}
        return [
            one
            for name, one in present.items()
            if is_last or now_s - self._seen_s[name] >= one.kind.on_delay_s
        ]

    def over(self, alarms: Iterable[str], found: Iterable[Condition], now_s: float) -> list[str]:
        """Return the alarms whose cause has been gone for the whole off-delay.

        Args:
            alarms: Names of those that are active.
            found: The conditions that are there now.
            now_s: The time on a scale that never goes back, in seconds.
        """
        present = {one.alarm for one in found}
        missing = [name for name in alarms if name not in present]
        self._missed_s = {name: self._missed_s.get(name, now_s) for name in missing}
        return [name for name in missing if now_s - self._missed_s[name] >= _off_delay_s(name)]


def _off_delay_s(alarm: str) -> float:
    kind = kind_of(alarm)
    return 0.0 if kind is None else kind.off_delay_s
