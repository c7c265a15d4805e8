"""The crash test's lane with the naive engine: the same lab, the same deaths, the same judge."""

import json
import sys
import time
from datetime import datetime

from typing_extensions import override

from orchestrator.core.events import PlannedJob
from tests.crashes.crash_lane import LOOK_S, Kill, Lane
from tests.crashes.tally_judge import Attempt, Verdict, acts_in, judged

__all__ = ["NaiveLane"]


class NaiveLane(Lane):
    """A lane whose engine re-sends what it has no report of."""

    @property
    def progress(self) -> list[dict[str, str]]:
        """Its notes, in order."""
        path = self.folder / "progress.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    @override
    def engine_command(self) -> list[str]:
        command = [sys.executable, "-m", "tests.crashes.naive_engine"]
        command += [str(self.spec.campaign_file), "--rig", str(self.tally / "rig.toml")]
        command += ["--progress", str(self.folder / "progress.jsonl")]
        return [*command, "--speed", f"{self.speed:g}"]

    @override
    def revive(self, kill: Kill) -> None:
        n_before = len(self.progress)
        until = time.monotonic() + 60.0
        while len(self.progress) < n_before + 2:
            self._ensure_engine({})
            if time.monotonic() > until:
                raise TimeoutError("the naive engine does not go on")
            time.sleep(LOOK_S)

    @override
    def judge(self) -> Verdict:
        attempts: dict[str, Attempt] = {}
        for note in self.progress:
            job = PlannedJob.model_validate(note["job"])
            if job.job_id not in attempts:
                time_ = datetime.fromisoformat(note["time"])
                attempts[job.job_id] = Attempt(job.job_id, job, time_, end="acted")
            if note["what"] == "done":
                attempts[job.job_id].end = "done"
        acts = acts_in(self.tally, self.spec.counted)
        for act in acts:
            act.job_key = None  # each of its attempts has another key; its jobs are what counts
        return judged(list(attempts.values()), acts, self.spec.counted)
