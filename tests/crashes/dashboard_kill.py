"""The dashboard dies in the middle of acts: ``python -m tests.crashes.dashboard_kill --acts 50``.

A laboratory of real processes works while a script asks for acts through `athanor serve`, which is
killed with SIGKILL at random moments of them. Whoever gets no answer asks again under the same key.
Afterwards every act stands in the log exactly once, and the laboratory has worked as one beside
which nobody served. Exit code 1 if not.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from threading import Timer

import httpx

from orchestrator.access.roles import Role
from orchestrator.core.events import JobFinished, JobStarted, campaign_stream
from orchestrator.log.event_log import Record
from orchestrator.log.sql_log import open_sqlite_log
from tests.crashes.crash_lane import LANES, Kill, Lane
from tests.support.served_dashboard import ServedDashboard

__all__ = ["ActsAmongKills", "Calm", "calm_of", "work_without"]

LANE = LANES["queryable"]
SPEED = 50.0
LATEST_S = 0.08
"""So long after an act was sent the server dies at the latest: an answer takes about as long."""
KILLED_SHARE = 0.9
SEEN_SHARE = 0.5
"""Of the kills, so many come between the act's place in the log and the answer."""
UNUSED = "valve_x1"
"""An instrument of the rig that this campaign does not need."""


@dataclass(slots=True)
class Done:
    """What became of one act."""

    reason: str
    name: str
    n_asked: int = 0
    was_done_before: bool = False
    """Whether the answer that came was that it had been done: the one before was lost."""


@dataclass(slots=True)
class ActsAmongKills:
    """Acts of a script on a laboratory at work, while the server dies again and again.

    Args:
        lane: The laboratory; open.
        seed: Of when the server dies.
    """

    lane: Lane
    seed: int
    done: list[Done] = field(default_factory=list)
    n_kills: int = 0

    def perform(self, n_acts: int) -> None:
        """Ask for so many acts, one after the other."""
        rng = random.Random(f"dashboard {self.seed}")
        served = ServedDashboard(self.lane.database)
        try:
            served.start()
            token = served.token("lims", Role.OPERATOR)
            for number in range(n_acts):
                self.done.append(self._ask(served, token, number, rng))
        finally:
            served.kill()

    def _ask(self, served: ServedDashboard, token: str, number: int, rng: random.Random) -> Done:
        """Ask until there is an answer; the first time, often, the server dies over it."""
        name, said = self._act(number)
        done = Done(f"act {number}", name)
        headers = {
            "authorization": f"Bearer {token}",
            "idempotency-key": f"dashboard-kill-{self.seed}-{number}",
        }
        dies, sees = rng.random() < KILLED_SHARE, rng.random() < SEEN_SHARE
        while True:
            done.n_asked += 1
            key = headers["idempotency-key"] if sees else ""
            death = Timer(0.0 if sees else rng.uniform(0.0, LATEST_S), self._kill, (served, key))
            if dies and done.n_asked == 1:
                death.start()
                self.n_kills += 1
            try:
                answer = httpx.post(
                    f"{served.url}/api/v1/acts/{name}",
                    headers=headers,
                    json={**said, "reason": done.reason},
                    timeout=60.0,
                )
            except httpx.TransportError:
                answer = None
            finally:
                if death.ident is not None:
                    death.join()
            if served.process is None:
                served.start()
            if answer is not None:
                answer.raise_for_status()
                done.was_done_before = answer.json()["was_done_before"]
                return done

    def _kill(self, served: ServedDashboard, key: str) -> None:
        """Kill the server; with a key, the moment that the log has the act and nobody was told."""
        with closing(open_sqlite_log(self.lane.database, must_exist=True)) as log:
            until_s = time.monotonic() + 10.0
            while key and log.kept_act(key) is None and time.monotonic() < until_s:
                Flag().wait(0.0005)
        served.kill()

    def _act(self, number: int) -> tuple[str, dict[str, str]]:
        """Return an act that changes nothing of what the engine does next."""
        if number % 2 == 0:
            return ("put_back" if number % 4 else "take_out"), {"instrument": UNUSED}
        wanted = number // 2
        while len(ended := self.lane.state().closed_experiments) <= wanted:
            Flag().wait(0.1)
        return "retract", {
            "campaign_id": LANE.campaign_id,
            "experiment_id": ended[wanted].experiment_id,
        }

    def times_in_log(self) -> Counter[str]:
        """Return how often each act stands in the log, by its reason."""
        with closing(open_sqlite_log(self.lane.database, must_exist=True)) as log:
            reasons = [getattr(record.event, "reason", "") for record in log.read()]
        return Counter(reason for reason in reasons if reason.startswith("act "))

    @property
    def lost(self) -> list[str]:
        """Acts that were answered and do not stand in the log."""
        found = self.times_in_log()
        return [one.reason for one in self.done if found[one.reason] == 0]

    @property
    def doubled(self) -> list[str]:
        """Acts that stand in the log more than once."""
        return [reason for reason, n in self.times_in_log().items() if n > 1]


@dataclass(frozen=True, slots=True)
class Calm:
    """How a laboratory worked, in real time."""

    seconds: float
    jobs_per_min: float
    pause_ms: tuple[float, float]
    """From the end of a job until the next one is sent: the middle one, the slowest twentieth."""
    unexpected: dict[str, int]
    """Events of a campaign that is not left in peace."""
    is_clean: bool
    """Whether the devices' tallies agree with the log."""


def calm_of(lane: Lane, *, is_clean: bool) -> Calm:
    """Return how a lane's laboratory worked."""
    with closing(open_sqlite_log(lane.database, must_exist=True)) as log:
        records = list(log.read(stream=campaign_stream(lane.spec.campaign_id)))
    ends = [one for one in records if isinstance(one.event, JobFinished)]
    lasted_s = (ends[-1].time - ends[0].time).total_seconds() / lane.speed
    pauses = sorted(_pauses_ms(records, lane.speed))
    kinds = Counter(record.event.kind for record in records)
    strange = ("JobFailed", "JobOutcomeUnknown", "JobInterrupted", "ExperimentFailed")
    unexpected = {kind: kinds[kind] for kind in strange if kinds[kind]}
    if kinds["EngineAttached"] != 1:
        unexpected["EngineAttached"] = kinds["EngineAttached"]
    return Calm(
        seconds=round(lasted_s, 1),
        jobs_per_min=round(60.0 * (len(ends) - 1) / lasted_s, 1),
        pause_ms=(round(statistics.median(pauses), 1), round(pauses[len(pauses) * 19 // 20], 1)),
        unexpected=unexpected,
        is_clean=is_clean,
    )


def _pauses_ms(records: Sequence[Record], speed: float) -> list[float]:
    ended, found = None, []
    for record in records:
        if isinstance(record.event, JobFinished):
            ended = record.time
        elif isinstance(record.event, JobStarted) and ended is not None:
            found.append((record.time - ended).total_seconds() * 1e3 / speed)
            ended = None
    return found


def work_without(folder: Path, seconds: float, seed: int) -> Calm:
    """Let the same laboratory work for so long while nobody serves."""
    lane = Lane(LANE, folder, speed=SPEED, seed=seed)
    try:
        begin(lane)
        Flag().wait(seconds)
        return calm_of(lane, is_clean=lane.settle().is_clean)
    finally:
        lane.close()


def begin(lane: Lane) -> None:
    """Open a laboratory, and wait until its campaign is driven."""
    lane.open()
    lane.revive(Kill(0, "", "", landed=True, seconds=0.0))


def work_with(folder: Path, n_acts: int, seed: int) -> tuple[ActsAmongKills, Calm]:
    """Let a laboratory work while a server beside it is killed over acts."""
    lane = Lane(LANE, folder, speed=SPEED, seed=seed)
    acts = ActsAmongKills(lane, seed)
    try:
        begin(lane)
        acts.perform(n_acts)
        return acts, calm_of(lane, is_clean=lane.settle().is_clean)
    finally:
        lane.close()


def main() -> int:
    """Kill, compare, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--acts", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None, help="kept; else a temporary folder")
    chosen = parser.parse_args()
    folder = chosen.out or Path(tempfile.mkdtemp())
    acts, beside = work_with(folder / "with", chosen.acts, chosen.seed)
    alone = work_without(folder / "without", beside.seconds, chosen.seed)
    found = {
        "acts": len(acts.done),
        "by_name": dict(Counter(one.name for one in acts.done)),
        "kills": acts.n_kills,
        "asked_again": sum(one.n_asked > 1 for one in acts.done),
        "of_which_had_been_done": sum(one.was_done_before for one in acts.done),
        "lost": acts.lost,
        "doubled": acts.doubled,
        "engine_beside_it": str(beside),
        "engine_alone": str(alone),
        "load": os.getloadavg()[0],
    }
    print(json.dumps(found, indent=1))
    if chosen.out is None:
        shutil.rmtree(folder)
    is_well = beside.is_clean and alone.is_clean and not beside.unexpected
    return 0 if is_well and not acts.lost and not acts.doubled else 1


if __name__ == "__main__":
    sys.exit(main())
