"""A cable falls out in the middle of a job: what each class does, and what the operator sees.

``python -m tests.crashes.pulled_cable`` prints the table of docs/OPERATING.md.
"""

import argparse
import json
import shutil
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.core.events import LAB_STREAM, Event, campaign_stream
from orchestrator.core.job import JobStatus
from orchestrator.log.sql_log import open_sqlite_log
from tests.crashes.crash_lane import LANES, Kill, Lane
from tests.crashes.tally_judge import Verdict

__all__ = ["CABLES", "Pulled", "pull"]

CABLES = {"queryable": "pumps", "blind": "relays", "keyed": "board"}
ACTORS = {"queryable": "pump_x", "blind": "valve_x", "keyed": "person"}
LOOK_S = 0.05
PATIENCE_S = 60.0


@dataclass(slots=True)
class Pulled:
    """What happened after a cable was pulled in the middle of a job."""

    cls: str
    job: str
    while_out: list[str] = field(default_factory=list)
    """What the log said while the cable was out."""
    after: list[str] = field(default_factory=list)
    """What it said after the cable was back."""
    person: list[str] = field(default_factory=list)
    """What a person had to answer."""
    verdict: Verdict = field(default_factory=Verdict)


def pull(lane: Lane, *, out_s: float) -> Pulled:
    """Pull the cable of the lane's actor in mid-job, and put it back.

    Args:
        lane: Open.
        out_s: How long it stays out, in real seconds.
    """
    lane.revive(Kill(0, "", "", landed=True, seconds=0.0))
    job = _acting_job(lane)
    found = Pulled(lane.spec.name, job)
    seen = _last_seq(lane)
    _cable(lane, "unplug")
    time.sleep(out_s)
    found.while_out = _told(lane, seen)
    seen = _last_seq(lane)
    _cable(lane, "plug-in")
    kill = Kill(0, "cable", "", landed=True, seconds=0.0)
    _await(lambda: _is_ended(lane, job), f"the end of {job}", lambda: lane.look_after(kill))
    found.after = _told(lane, seen)
    found.person = [*kill.answers]
    return found


def _acting_job(lane: Lane) -> str:
    """Wait until a job of the lane's class touches matter; return its id."""
    found: list[str] = []

    def is_acting() -> bool:
        for experiment in lane.state().open_experiments.values():
            for job in experiment.jobs.values():
                is_ours = job.planned.instrument.startswith(ACTORS[lane.spec.name])
                is_open = is_ours and job.status is JobStatus.STARTED
                # A person's tally has whole tasks only; the task is in the room once it is posted.
                if is_open and (lane.spec.name == "keyed" or lane.is_at_work(job)):
                    found.append(job.planned.job_id)
        return bool(found)

    _await(is_acting, "a job that acts")
    return found[0]


def _is_ended(lane: Lane, job_id: str) -> bool:
    state = lane.state()
    for experiment in state.experiments:
        for job in experiment.jobs.values():
            if job.planned.job_id == job_id:
                ended = (JobStatus.DONE, JobStatus.FAILED, JobStatus.INTERRUPTED)
                return job.status in ended or not experiment.is_open
    return False


def _cable(lane: Lane, kind: str) -> None:
    request = {"do": "fault", "target": CABLES[lane.spec.name], "kind": kind}
    with closing(socket.socket(socket.AF_UNIX)) as line:
        line.connect(str((lane.tally / "control").resolve()))
        line.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(line.recv(65536))
    if not answer["done"]:
        raise RuntimeError(f"{kind}: {answer}")


def _last_seq(lane: Lane) -> int:
    with closing(open_sqlite_log(lane.database, must_exist=True)) as log:
        return log.last_seq()


def _told(lane: Lane, after_seq: int) -> list[str]:
    """Return what the log has said since, one line for each fact that a person would notice."""
    streams = (LAB_STREAM, campaign_stream(lane.spec.campaign_id))
    with closing(open_sqlite_log(lane.database, must_exist=True)) as log:
        records = list(log.read(after_seq=after_seq))
    return [_line(record.event) for record in records if record.stream in streams]


def _line(event: Event) -> str:
    said = [
        str(getattr(event, name))
        for name in ("alarm", "instrument", "job_id", "error", "reason", "message", "evidence")
        if getattr(event, name, "")
    ]
    return f"{event.kind}: {' · '.join(said)}"


def _await(
    is_so: Callable[[], bool], what: str, meanwhile: Callable[[], None] = lambda: None
) -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_so():
        meanwhile()
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come in {PATIENCE_S:g} s")
        time.sleep(LOOK_S)


def main() -> int:
    """Pull a cable in each class and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("cable-test"))
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--out-s", type=float, default=3.0, help="real seconds")
    chosen = parser.parse_args()
    shutil.rmtree(chosen.out, ignore_errors=True)
    is_clean = True
    for name, spec in LANES.items():
        lane = Lane(spec, chosen.out.resolve() / name, speed=chosen.speed, seed=0)
        try:
            lane.open()
            found = pull(lane, out_s=chosen.out_s)
            found.verdict = lane.settle()
        finally:
            lane.close()
        is_clean = is_clean and found.verdict.is_clean
        print(f"## {name}: {found.job}", *found.while_out, "-- cable back", sep="\n  ")
        print("", *found.after, f"person: {found.person}", f"{found.verdict}", sep="\n  ")
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
