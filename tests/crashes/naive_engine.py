"""An engine as it is usually written: it keeps what is done, and re-sends what was not reported.

It drives the same bench with the same drivers as ours. The crash test must find it out: if it does
not, the test proves nothing. Started as ``python -m tests.crashes.naive_engine``.
"""

import argparse
import asyncio
import json
import os
from pathlib import Path

from campaigns.loading import load_campaign
from drivers.clock import SpedUpLoop, SystemClock
from orchestrator.core.events import PlannedJob
from orchestrator.execution.compile import CompiledRecipe
from orchestrator.execution.executor import Done, Order
from orchestrator.execution.local_executor import LocalExecutor
from orchestrator.execution.rig import drivers_for, lines_for, load_rig

ORDER_LIFE_S = 60.0


class Progress:
    """A file of what was started and what was done, a line each, synced."""

    def __init__(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.done = {note["job_id"] for note in map(json.loads, lines) if note["what"] == "done"}
        self._file = path.open("a", encoding="utf-8")

    def add(self, what: str, job: PlannedJob, clock: SystemClock) -> None:
        """Write one note."""
        note = {"what": what, "job_id": job.job_id, "time": clock.now().isoformat()}
        self._file.write(json.dumps({**note, "job": job.model_dump(mode="json")}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        if what == "done":
            self.done.add(job.job_id)


async def drive(campaign_file: Path, rig_file: Path, progress: Progress, speed: float) -> None:
    """Make one sample after the other for ever."""
    campaign, rig = load_campaign(campaign_file), load_rig(rig_file)
    recipe = CompiledRecipe.of(campaign, rig, drivers_for(rig))
    clock = SystemClock(speed)
    executor = LocalExecutor(rig, lines_for(rig, clock), clock)
    await executor.connect()
    number = 0
    while True:
        number += 1
        share = round(0.25 + 0.0001 * (number * 37 % 5000), 4)
        point = {"x1": share, "x2": round(1.0 - share, 4)}
        for job in recipe.jobs_for(point, f"E{number:04d}"):
            while job.job_id not in progress.done:
                await carry_out(job, executor, clock, progress)


async def carry_out(
    job: PlannedJob, executor: LocalExecutor, clock: SystemClock, progress: Progress
) -> None:
    """Send a job until it says that it is done."""
    progress.add("started", job, clock)
    order = Order.for_job(
        "naive",
        job,
        attempt=1,
        started_time=clock.now(),
        epoch=1,
        not_after=clock.monotonic_s() + ORDER_LIFE_S,
    )
    if isinstance(await executor.perform(order), Done):
        progress.add("done", job, clock)
    else:
        await clock.sleep(5.0)


def main() -> None:
    """Drive until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("campaign", type=Path)
    parser.add_argument("--rig", type=Path, required=True)
    parser.add_argument("--progress", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=1.0)
    chosen = parser.parse_args()
    progress = Progress(chosen.progress)
    with asyncio.Runner(loop_factory=lambda: SpedUpLoop(chosen.speed)) as runner:
        runner.run(drive(chosen.campaign, chosen.rig, progress, chosen.speed))


if __name__ == "__main__":
    main()
