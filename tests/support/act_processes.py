"""Another process that does acts one after another, until it is done or somebody kills it."""

import os
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Literal

from orchestrator.log.kept_acts import ActKey
from orchestrator.log.sql_log import SqliteLog
from orchestrator.service.acts import Act
from orchestrator.service.acts.alarm_acts import AcknowledgeAll
from orchestrator.service.acts.bench_acts import ClearLatch, EmergencyStop
from orchestrator.service.acts.campaign_acts import Hold, Pause, Resume
from orchestrator.service.acts.result_acts import Amend, MeasuredValue
from tests.support.act_bench import SMALL, ActBench

__all__ = ["Death", "act_number", "do_acts", "key_of"]

Moment = Literal["before the append", "after the append", "before the log is opened", "never"]


@dataclass(frozen=True)
class Death:
    """Where the process kills itself."""

    moment: Moment = "never"
    number: int = 0
    """Of the act, from 0."""


_dying: Final[list[Death]] = []
"""Of this process, and nobody else's."""


def key_of(number: int) -> str:
    """Return the idempotency key of an act."""
    return f"act-{number:06d}"


def act_number(number: int) -> Act:
    """Return one of the acts, which can follow each other for ever; its reason is its own."""
    reason = f"act {number:06d}"
    acts: tuple[Act, ...] = (
        Pause(campaign_id=SMALL, reason=reason),
        Resume(campaign_id=SMALL, reason=reason),
        EmergencyStop(reason=reason),
        ClearLatch(reason=reason),
        Hold(campaign_id=SMALL, reason=reason),
        Resume(campaign_id=SMALL, reason=reason),
        Amend(
            campaign_id=SMALL,
            experiment_id="E0001",
            values={"overpotential_v": MeasuredValue(value=0.3 + number / 1e6)},
            reason=reason,
        ),
        AcknowledgeAll(reason=reason),
    )
    return acts[number % len(acts)]


class MortalLog(SqliteLog):
    """A log in whose appending the process dies."""

    def append(self, *arguments, **named):  # type: ignore[no-untyped-def]  # as the log's own
        """Append, and die before or after it if that was asked for."""
        act: ActKey | None = named.get("act")
        self._die("before the append", act)
        records = super().append(*arguments, **named)
        self._die("after the append", act)
        return records

    def keep_act(self, act, **named):  # type: ignore[no-untyped-def]  # as the log's own
        """Keep it, and die before or after it if that was asked for."""
        self._die("before the append", act)
        super().keep_act(act, **named)
        self._die("after the append", act)

    def _die(self, moment: Moment, act: ActKey | None) -> None:
        for death in _dying:
            if act is not None and (death.moment, key_of(death.number)) == (moment, act.key):
                os.kill(os.getpid(), signal.SIGKILL)


def do_acts(folder: Path, first: int, n_acts: int, death: Death, answer: Connection) -> None:
    """Do acts from a number on, and send each one's number and whether it had been done before.

    Args:
        folder: Of an `ActBench`.
        first: Number of the first.
        n_acts: The number after the last.
        death: Where the process kills itself.
        answer: Closed at the end.
    """
    _dying[:] = [death]
    bench = ActBench(folder, log_type=MortalLog)
    for number in range(first, n_acts):
        if (death.moment, death.number) == ("before the log is opened", number):
            os.kill(os.getpid(), signal.SIGKILL)
        told = bench.perform(act_number(number), key=key_of(number))
        answer.send((number, told.was_done_before))
    answer.close()
