"""Whole small campaigns in virtual time, with seeded faults, crashes and operators.

Run it with ``python -m tests.support.simulated_campaigns --n 10000``; a seed that breaks an
invariant prints the command that replays it exactly.
"""

import argparse
import asyncio
import logging
import math
import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from drivers.clock import VirtualClock
from orchestrator.core.campaign import CampaignState, fold
from orchestrator.core.events import PlacesCleaned, campaign_stream
from orchestrator.errors import LogError, RequestRefused
from orchestrator.landmarks import watched_by
from orchestrator.log.event_log import last_hash
from orchestrator.service.corrections import Amended, give_result
from orchestrator.service.doubt_answers import answer_doubt
from orchestrator.service.doubts import Answer
from orchestrator.service.lab import Lab
from orchestrator.service.own_points import add_point
from orchestrator.service.requests import Request
from tests.support.mortal_processes import (
    MortalLoop,
    MortalProcess,
    SimulatedCrash,
    present_process,
)
from tests.support.simulated_checks import attempts_at, moved_whole, tries_by_job, violations
from tests.support.simulated_lab import CAMPAIGN_ID, START, SimulatedLab, UnluckyLog
from tests.support.small_bench import small_campaign, small_rig, with_faults
from tests.support.stock_hand import ShelfHand

__all__ = ["SeedReport", "main", "simulate"]

MAX_LIVES: Final = 80
"""An engine that needs more lives than this makes no headway."""
MAX_VIRTUAL_S: Final = 14 * 86_400.0
MAX_RESUMES: Final = 12
CHECK_TWICE_EVERY: Final = 50


@dataclass
class SeedReport:
    """What became of one seed."""

    seed: int
    status: str
    last_hash: str
    violations: list[str]
    crashes: list[str]
    counts: Counter[str] = field(default_factory=Counter)
    """Events by kind, requests and cables pulled."""


class Simulation:
    """One seed's campaign, from its opening to its end.

    Args:
        seed: From which everything follows.
        is_forgetful: Whether stations lose their journals when they die.
    """

    def __init__(self, seed: int, *, is_forgetful: bool = False) -> None:
        self.seed = seed
        self.is_forgetful = is_forgetful
        self.dice = random.Random(seed)
        self.hand = random.Random(f"a person's hand, {seed}")
        self.rack = random.Random(f"a rack, {seed}")
        self.rinse = random.Random(f"a rinse, {seed}")
        self.shelf = random.Random(f"a shelf, {seed}")
        self.crashes: list[str] = []
        self.counts: Counter[str] = Counter()
        self.found: list[str] = []
        self._until_crash = {"engine": 0, "station": 0}
        self._n_resumes = 0

    async def run(self) -> SeedReport:
        """Drive the campaign until it has ended or its operator leaves it held."""
        dice = self.dice
        clock = VirtualClock(START)
        has_rack = self.rack.random() < 0.4
        is_rinsed = self.rinse.random() < 1 / 3
        rig = with_faults(small_rig(has_rack=has_rack, is_rinsed=is_rinsed), dice)
        most, in_flight = dice.randint(2, 4), dice.choice((1, 1, 2))
        most, in_flight = (most + 2, 4) if has_rack else (most, in_flight)
        spec = small_campaign(
            max_experiments=most, in_flight=in_flight, has_rack=has_rack, is_rinsed=is_rinsed
        )
        self.clock = clock
        log = UnluckyLog(random.Random(dice.random()), dice.choice((0.0, 0.0, 0.02, 0.1)))
        self.lab = SimulatedLab(log, spec, rig, self.seed, clock, self.is_forgetful)
        self.lab.open()
        minder = ShelfHand(log, self.shelf, clock, self._state().shelf, self.counts)
        is_scarce = self.shelf.random() < 0.5
        if is_scarce:
            minder.stock_up()
        self._dare("engine")
        self._dare("station")
        with watched_by(self._at_landmark):
            others = [
                asyncio.create_task(self._keep_station()),
                asyncio.create_task(self._meddle()),
                asyncio.create_task(self._pull_cables()),
                asyncio.create_task(self._lend_a_hand()),
                *([asyncio.create_task(minder.mind())] if is_scarce else []),
            ]
            try:
                async with asyncio.timeout(MAX_VIRTUAL_S):
                    await self._keep_engine()
            except TimeoutError:
                self.found.append(f"no end after {MAX_VIRTUAL_S / 86_400:g} virtual days")
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await self.lab.bury_station()
        await clock.sleep(3600.0)
        self.lab.bench.settle()
        return self._report()

    def _report(self) -> SeedReport:
        state = self._state()
        self.counts["appends failed"] = self.lab.log.n_failures
        for record in self.lab.log.read():
            self.counts[record.event.kind] += 1
            self.counts["in another's load"] += bool(getattr(record.event, "led_by", ""))
        return SeedReport(
            seed=self.seed,
            status=str(state.status),
            last_hash=last_hash(self.lab.log),
            violations=[*self.found, *violations(self.lab)],
            crashes=self.crashes,
            counts=self.counts,
        )

    def _state(self) -> CampaignState:
        records = self.lab.log.read(stream=campaign_stream(CAMPAIGN_ID))
        state = fold((record.event, record.time) for record in records)
        if state is None:
            raise ValueError("the campaign is not open")
        return state

    def _dare(self, name: str) -> None:
        """Choose after how many landmarks a process dies next; 0 is never."""
        will_die = self.dice.random() < 0.45 and len(self.crashes) < 8
        self._until_crash[name] = self.dice.randint(1, 60) if will_die else 0

    def _at_landmark(self, label: str) -> None:
        process = present_process()
        if process is None:
            return
        process.check()
        self._until_crash[process.name] -= 1
        if self._until_crash[process.name] == 0:
            self.crashes.append(f"{process.name} at {label!r}")
            process.kill()
            raise SimulatedCrash(label)

    async def _end_somewhen(self, process: MortalProcess) -> None:
        """Kill a process at a time that no landmark names."""
        if self.dice.random() < 0.25 and len(self.crashes) < 8:
            await asyncio.sleep(self.dice.uniform(0.0, 900.0))
            if not process.is_dead:
                self.crashes.append(f"{process.name} in the middle")
                process.kill()

    async def _keep_station(self) -> None:
        while True:
            station = self.lab.start_station()
            killer = asyncio.create_task(self._end_somewhen(station.process))
            try:
                await station.process.died.wait()
            finally:
                killer.cancel()
            await self.lab.bury_station()
            self._dare("station")
            await asyncio.sleep(self.dice.choice((0.5, 5.0, 60.0, 300.0)))

    async def _keep_engine(self) -> None:
        for _ in range(MAX_LIVES):
            process = MortalProcess("engine")
            work = process.spawn(self._drive(process))
            death = asyncio.create_task(process.died.wait())
            killer = asyncio.create_task(self._end_somewhen(process))
            try:
                await asyncio.wait({work, death}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                killer.cancel()
                death.cancel()
            has_failed = work.done() and isinstance(work.exception(), LogError)
            if process.is_dead or has_failed:
                await process.bury()
                self._dare("engine")
                await asyncio.sleep(self.dice.choice((0.5, 5.0, 60.0, 600.0)))
                continue
            state = work.result()
            await process.bury()
            if state.status.has_ended or not await self._look_after(state):
                return
        self.found.append(f"no headway in {MAX_LIVES} lives of the engine")

    async def _drive(self, process: MortalProcess) -> CampaignState:
        return await self.lab.new_engine(process).run()

    async def _look_after(self, state: CampaignState) -> bool:
        """Let the operator look at a campaign that waits; False if it is left as it is."""
        await asyncio.sleep(600.0)
        self.lab.bench.settle()
        if not self._state().status.is_waiting:
            return True
        if self._state().lacks and self.shelf.random() < 0.8:
            return True  # nobody resumes it: it goes on by itself once there is enough
        is_patient = self.dice.random() < 0.9 and self._n_resumes < MAX_RESUMES
        if not is_patient:
            return False
        self._n_resumes += 1
        service = self._service()
        self._answer_doubts(service, self._state())
        self._clean(service)
        self._clear_latch()
        self._request(Request.RESUME if self.dice.random() < 0.9 else Request.STOP)
        return True

    def _answer_doubts(self, lab: Lab, state: CampaignState) -> None:
        """Say what really became of every job in doubt, as somebody who looks at the bench."""
        by_job = tries_by_job(self.lab, attempts_at(self.lab)[0])
        for experiment in state.open_experiments.values():
            for job_id in experiment.jobs_in_doubt():
                job = experiment.jobs[job_id.partition("/")[2]]
                tries = [one for one in by_job.get(job_id, []) if one.has_moved]
                answer = Answer.DID_NOT_RUN
                if tries:
                    is_whole = moved_whole(tries[-1], job)
                    answer = Answer.RAN if is_whole else Answer.SCRAP_SAMPLE
                self.counts[f"answered {answer}"] += 1
                answer_doubt(lab, job_id, answer, reason="looked", campaign_id=CAMPAIGN_ID)

    def _clean(self, lab: Lab) -> None:
        """Empty the places that stand as unclean, and say so."""
        unclean = tuple(lab.laboratory().unclean)
        for place in unclean:
            if self.lab.rig.positions[place].capacity_ml is None:
                continue
            self.lab.bench.plumbing.draw(place, math.inf, self.clock.monotonic_s())
        if unclean:
            lab.decide_in_lab(lambda _: [PlacesCleaned(places=unclean)])

    def _service(self) -> Lab:
        """Return the operator's door to the log."""
        return Lab(self.lab.log, actor="operator", clock=self.clock, source="memory")

    def _request(self, request: Request) -> None:
        with suppress(RequestRefused):
            self._service().request(request, CAMPAIGN_ID, reason="simulated")
            self.counts[f"requested {request}"] += 1

    async def _meddle(self) -> None:
        """Ask for things at odd times."""
        mild = [request for request in Request if request not in (Request.STOP, Request.ABORT)]
        for _ in range(self.dice.choice((0, 0, 1, 2, 4))):
            await asyncio.sleep(self.dice.uniform(1.0, 1500.0))
            if self.dice.random() < 0.1:
                self._set_latch()
                continue
            harsh = self.dice.random() < 0.2
            self._request(self.dice.choice([Request.STOP, Request.ABORT] if harsh else mild))

    async def _lend_a_hand(self) -> None:
        """Add points of one's own, and give results by hand where an experiment gave none."""
        for _ in range(self.hand.choice((0, 0, 1, 2, 4))):
            await asyncio.sleep(self.hand.uniform(1.0, 3000.0))
            with suppress(RequestRefused, LogError):
                if self.hand.random() < 0.6:
                    tenths = self.hand.randint(0, 10)
                    point = {"x1": tenths / 10, "x2": (10 - tenths) / 10}
                    add_point(self._service(), point, reason="a hunch", campaign_id=CAMPAIGN_ID)
                    self.counts["points added"] += 1
                else:
                    number = self.hand.randint(1, 4)
                    values = {"overpotential_v": Amended(0.4, 0.01)}
                    give_result(self._service(), f"E{number:04d}", values, reason="by hand")
                    self.counts["results given"] += 1

    def _set_latch(self) -> None:
        """Press the stop button of the station, if one is there."""
        station = self.lab.station
        if station is not None and not station.process.is_dead:
            station.process.spawn(station.executor.set_latch("simulated"))
            self.counts["latches set"] += 1

    def _clear_latch(self) -> None:
        """Release the stop button; the journal keeps it pressed over a station's death."""
        station = self.lab.station
        if station is not None and not station.process.is_dead and station.executor.latch():

            async def clear() -> None:
                station.executor.clear_latch("simulated")

            station.process.spawn(clear())

    async def _pull_cables(self) -> None:
        for _ in range(self.dice.choice((0, 0, 0, 1, 2))):
            await asyncio.sleep(self.dice.uniform(1.0, 1500.0))
            line = self.dice.choice(list(self.lab.lines().values()))
            line.unplug()
            self.counts["cables pulled"] += 1
            await asyncio.sleep(self.dice.choice((1.0, 20.0, 200.0)))
            line.plug_in()


def simulate(seed: int, *, is_forgetful: bool = False) -> SeedReport:
    """Run one seed and judge it.

    Args:
        seed: Any whole number.
        is_forgetful: Whether stations lose their journals when they die.
    """
    try:
        with asyncio.Runner(loop_factory=MortalLoop) as runner:
            return runner.run(Simulation(seed, is_forgetful=is_forgetful).run())
    except Exception as error:
        return SeedReport(seed, "broken", "", [f"{type(error).__name__}: {error}"], [])


def _judged(seed: int) -> SeedReport:
    """Run one seed, some of them twice."""
    report = simulate(seed)
    if seed % CHECK_TWICE_EVERY == 0 and simulate(seed).last_hash != report.last_hash:
        report.violations.append("the same seed gave another log")
    return report


def _reports(first: int, n: int, workers: int) -> Iterator[SeedReport]:
    seeds = range(first, first + n)
    if workers == 1:
        yield from map(_judged, seeds)
        return
    with multiprocessing.get_context("fork").Pool(workers, _quiet) as pool:
        yield from pool.imap_unordered(_judged, seeds, chunksize=8)


def _quiet() -> None:
    logging.disable(logging.CRITICAL)


def main(arguments: list[str]) -> int:
    """Run seeds and print what became of them.

    Returns:
        0 if every invariant held, else 1.
    """
    parser = argparse.ArgumentParser(prog="simulated_campaigns", description=__doc__)
    parser.add_argument("--n", type=int, default=1, help="how many seeds")
    parser.add_argument("--seed", type=int, default=0, help="the first of them")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--verbose", action="store_true", help="show the log of each")
    options = parser.parse_args(arguments)
    if not options.verbose:
        _quiet()
    began_s = time.perf_counter()
    statuses: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    places: Counter[str] = Counter()
    n_bad = 0
    for report in _reports(options.seed, options.n, options.workers):
        statuses[report.status] += 1
        counts += report.counts
        counts["crashes"] += len(report.crashes)
        places.update(report.crashes)
        if report.violations:
            n_bad += 1
            print(f"seed {report.seed} ({report.status}; crashes: {report.crashes or 'none'}):")
            for text in report.violations:
                print(f"    {text}")
            print(f"    replay: python -m tests.support.simulated_campaigns --seed {report.seed}")
    took_s = time.perf_counter() - began_s
    print(f"{options.n} campaigns in {took_s:.1f} s, {n_bad} with a broken invariant")
    print("ends:", dict(statuses.most_common()))
    print("seen:", dict(counts.most_common()))
    print("crashes:", dict(places.most_common()))
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
