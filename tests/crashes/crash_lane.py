"""One lane of the crash test: a simulated lab, a campaign on it, and something that keeps dying.

The lab is `athanor simulate` in a process of its own, which is never killed: it is the world. What
is killed with SIGKILL is the engine, the station and the watchdog, at random times and at
landmarks. After each kill the lane starts the engine again as an operator would and answers, as a
person who looked at the bench would, whatever is in doubt.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from orchestrator.core.campaign import CampaignState, CampaignStatus, fold
from orchestrator.core.events import campaign_stream
from orchestrator.core.job import JobState, JobStatus
from orchestrator.errors import LogError
from orchestrator.landmarks import DIES_AT, LANDMARKS
from orchestrator.log.sql_log import open_sqlite_log
from tests.crashes.tally_judge import Counted, Verdict, acts_in, attempts_in, judged, truth_about

__all__ = ["LAB", "LANES", "Kill", "Lane", "LaneSpec"]

LAB = Path("tests/crashes/lab")
ATHANOR = (sys.executable, "-m", "orchestrator")
VICTIMS = ("engine", "station", "watchdog", "engine and station", "all three")
LOOK_S = 0.1
LANDMARK_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """One recovery class on the bench."""

    name: str
    campaign_id: str
    counted: Mapping[str, Sequence[Counted]]
    """By instrument the acts that one job of it makes exactly once each."""

    @property
    def campaign_file(self) -> Path:
        """The campaign whose acting jobs are of this class."""
        return LAB / f"{self.name}.toml"


PUMPED = (Counted("withdrew", "volume_ul", 1.0), Counted("infused", "volume_ul", 1.0))
# The relay's driver grants a second and half a real one, which is 25 s of the lab at speed 50.
OPENED = (Counted("delivered", "duration_s", 50.0, spare=50.0 * 26.0),)
DRAINED = (
    Counted("withdrew", "volume_ul", 1.0, is_measured=False),
    Counted("infused", "volume_ul", 1.0, is_measured=False),
)
PUMPS = {"pump_x1": PUMPED, "pump_x2": PUMPED, "pump_waste": DRAINED}
DID = (Counted("did", None, 1.0),)
LANES = {
    "queryable": LaneSpec("queryable", "crash-queryable-1", PUMPS),
    "blind": LaneSpec("blind", "crash-blind-1", {**PUMPS, "valve_x1": OPENED, "valve_x2": OPENED}),
    "keyed": LaneSpec("keyed", "crash-keyed-1", {**PUMPS, "person": DID}),
}


@dataclass(slots=True)
class Kill:
    """One SIGKILL and what came after it."""

    number: int
    victim: str
    place: str
    """``random``, or the landmark that was reached."""
    landed: bool
    """False: the landmark was not reached in time and nothing died."""
    seconds: float
    """From the kill until the campaign was driven again."""
    doubts: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)


class Lane:
    """A lab, a campaign and its deaths.

    Args:
        spec: Which class.
        folder: Where everything is kept; a lane that is there is gone on with.
        speed: Of the lab's time.
        seed: Of the choice of victims, places and times.
    """

    def __init__(self, spec: LaneSpec, folder: Path, *, speed: float, seed: int) -> None:
        self.spec = spec
        self.folder = folder
        self.speed = speed
        self.tally = folder / "tally"
        self.database = folder / "athanor.db"
        self.kills_file = folder / "kills.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        kept = self.kills_file.read_text("utf-8") if self.kills_file.exists() else ""
        kills = [json.loads(line) for line in kept.splitlines()]
        self.n_done = len(kills)
        self.n_landed = sum(kill["landed"] for kill in kills)
        self.rng = random.Random(f"{seed} {spec.name} {self.n_done}")
        self._lab: subprocess.Popen[bytes] | None = None
        self._engine: subprocess.Popen[bytes] | None = None
        self._state: CampaignState | None = None
        self._seq = 0

    def open(self) -> None:
        """Start the lab and the first engine."""
        command = [*ATHANOR, "simulate", str(LAB / "rig.toml"), "--tally", str(self.tally)]
        command += ["--speed", f"{self.speed:g}"]
        (self.tally / "ready").unlink(missing_ok=True)
        with (self.folder / "lab.log").open("ab") as log:
            self._lab = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._await((self.tally / "ready").exists, "the lab", 60.0)

    def close(self) -> None:
        """End everything: the campaign held, station and lab gone."""
        for process in (self._engine, self._lab):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        for process in self.processes("station") + self.processes("watchdog"):
            process.kill()

    def kill_once(self, place: str | None, victim: str | None) -> Kill:
        """Kill something, bring the campaign back to life and write down what happened.

        Args:
            place: A landmark; None is a random time.
            victim: Who; ignored at a landmark, whose label says whose it is.
        """
        self.n_done += 1
        if place is None:
            kill = self._kill_at_random(victim or "engine")
        else:
            kill = self._kill_at_landmark(place)
        began = time.monotonic()
        self.revive(kill)
        kill.seconds = time.monotonic() - began
        self.n_landed += kill.landed
        with self.kills_file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(kill)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return kill

    def settle(self) -> Verdict:
        """Let what is under way end, hold the campaign, and compare log and tallies."""
        self.revive(Kill(0, "", "", landed=True, seconds=0.0))
        self._athanor("hold", self.spec.campaign_id, "--reason", "the test is over")
        self._await(lambda: self.state().status.is_waiting, "the last hold", 120.0)
        return self.judge()

    def judge(self) -> Verdict:
        """Compare log and tallies as they are now."""
        with closing(open_sqlite_log(self.database, must_exist=True)) as log:
            records = list(log.read(stream=campaign_stream(self.spec.campaign_id)))
        acts = acts_in(self.tally, self.spec.counted)
        return judged(attempts_in(records, self.spec.campaign_id), acts, self.spec.counted)

    # Deaths

    def _kill_at_random(self, victim: str) -> Kill:
        self._ensure_engine({})
        time.sleep(self.rng.uniform(0.0, 1.5))
        landed = self._strike(victim)
        return Kill(self.n_done, victim, "random", landed=landed, seconds=0.0)

    def _kill_at_landmark(self, label: str) -> Kill:
        """Start everything anew with the landmark armed, and wait until its process has died."""
        owner = label.partition(":")[0]
        self._strike("all three" if owner != "engine" else "engine")
        number = self.rng.randint(1, 3)
        self._ensure_engine({DIES_AT: f"{label}*{number}"})
        victims = self._await_processes(owner)
        if owner == "watchdog":
            time.sleep(self.rng.uniform(0.2, 1.5))
            self._strike("station")  # gives the watchdog something to do
        landed = self._died(victims)
        if not landed:
            self._strike(owner)
        return Kill(self.n_done, owner, label, landed=landed, seconds=0.0)

    def _await_processes(self, owner: str) -> list[psutil.Process]:
        until = time.monotonic() + LANDMARK_PATIENCE_S
        while time.monotonic() < until:
            found = self.processes(owner)
            if found or (self._engine is not None and self._engine.poll() is not None):
                return found
            time.sleep(LOOK_S)
        return []

    def _died(self, victims: Sequence[psutil.Process]) -> bool:
        _, alive = psutil.wait_procs(victims, timeout=LANDMARK_PATIENCE_S)
        return bool(victims) and not alive

    def _strike(self, victim: str) -> bool:
        names = {
            "engine and station": ("engine", "station"),
            "all three": ("engine", "station", "watchdog"),
        }
        struck = [one for name in names.get(victim, (victim,)) for one in self.processes(name)]
        for process in struck:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(struck, timeout=10)
        if self._engine is not None:
            self._engine.poll()
        return bool(struck)

    def processes(self, name: str) -> list[psutil.Process]:
        """Return this lane's living processes of one kind."""
        if name == "engine":
            alive = self._engine is not None and self._engine.poll() is None
            return [psutil.Process(self._engine.pid)] if alive and self._engine else []
        found = []
        mark = str(self.folder.resolve())
        for process in psutil.process_iter(["cmdline", "status"]):
            words = process.info["cmdline"] or []
            is_ours = any(mark in word for word in words)
            if (
                is_ours
                and _is_named(name, words)
                and process.info["status"] != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        return found

    # Life

    def _ensure_engine(self, environment: Mapping[str, str]) -> None:
        if self._engine is not None and self._engine.poll() is None:
            return
        command = self.engine_command()
        kept = {name: value for name, value in os.environ.items() if name != DIES_AT}
        with (self.folder / "engine.log").open("ab") as log:
            log.write(f"--- kill {self.n_done}: {environment}\n".encode())
            log.flush()
            self._engine = subprocess.Popen(
                command, stdout=log, stderr=log, env={**kept, **environment}, start_new_session=True
            )

    def engine_command(self) -> list[str]:
        """Return what starts the engine as an operator would."""
        command = [*ATHANOR, "run", str(self.spec.campaign_file.resolve())]
        command += ["--rig", str((self.tally / "rig.toml").resolve()), "--no-supervise", "--plain"]
        command += ["--leave-when-held"]
        command += ["--database", str(self.database.resolve()), "--speed", f"{self.speed:g}"]
        return command + (["--resume"] if self._open_state() else ["--new"])

    def _open_state(self) -> CampaignState | None:
        """Return the state of the unfinished campaign, None if it cannot be read just now."""
        with suppress(LogError, LookupError):
            state = self.state()
            return None if state.status.has_ended else state
        return None

    def revive(self, kill: Kill) -> None:
        """Start what is dead and answer doubts until the campaign is driven again."""
        until = time.monotonic() + 120.0
        n_jobs = -1
        while time.monotonic() < until:
            self.look_after(kill)
            time.sleep(LOOK_S)
            state = self._open_state()
            if state is None:
                continue
            if n_jobs < 0:
                n_jobs = _n_job_events(state)
            is_driven = state.is_attached and state.status is CampaignStatus.RUNNING
            if is_driven and _n_job_events(state) > n_jobs and not _doubts(state):
                return
        raise TimeoutError(f"{self.spec.name}: not driven again after kill {kill}")

    def look_after(self, kill: Kill) -> None:
        """Start what is dead and help once if the campaign waits for a person.

        Args:
            kill: Where doubts and answers are noted.
        """
        self._ensure_engine({})
        state = self._open_state()
        if state is not None and state.status.is_waiting:
            self._help(state, kill)

    def is_at_work(self, job: JobState) -> bool:
        """Tell whether a started job has begun to touch matter and has not ended."""
        acts = acts_in(self.tally, self.spec.counted)
        mine = [act for act in acts if act.instrument == job.planned.instrument]
        began = job.started_time
        return bool(mine) and began is not None and mine[-1].began > began and mine[-1].done is None

    def _help(self, state: CampaignState, kill: Kill) -> None:
        """Do what the campaign waits for, as a person at the bench would."""
        for job_id in _doubts(state):
            answer = self._truth(job_id)
            if answer is None:
                return
            kill.doubts.append(job_id)
            kill.answers.append(answer)
            self._athanor("doubt", "answer", job_id, answer, "--reason", "I looked at the bench")
        if not _doubts(self.state()):
            self._athanor("places", "clean", "vessel", "--reason", "cleaned by hand", check=False)
            self._athanor("resume", self.spec.campaign_id, check=False)

    def _truth(self, job_id: str) -> str | None:
        """Return what the tally says of a job in doubt; None while its device is still at it."""
        with closing(open_sqlite_log(self.database, must_exist=True)) as log:
            records = list(log.read(stream=campaign_stream(self.spec.campaign_id)))
        attempts = attempts_in(records, self.spec.campaign_id)
        acts = acts_in(self.tally, self.spec.counted)
        judged(attempts, acts, self.spec.counted)
        mine = [one for one in attempts if one.planned.job_id == job_id][-1]
        return truth_about(mine, self.spec.counted[mine.planned.instrument])

    def state(self) -> CampaignState:
        """Return the campaign as its log says.

        Raises:
            LookupError: It is not open yet.
        """
        with closing(open_sqlite_log(self.database, must_exist=True)) as log:
            stream = campaign_stream(self.spec.campaign_id)
            for record in log.read(after_seq=self._seq, stream=stream):
                if self._state is None:
                    self._state = fold([(record.event, record.time)])
                else:
                    self._state = self._state.after(record.event, record.time)
                self._seq = record.seq
        if self._state is None:
            raise LookupError(self.spec.campaign_id)
        return self._state

    def _athanor(self, *words: str, check: bool = True) -> None:
        command = [*ATHANOR, *words, "--database", str(self.database)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        with (self.folder / "person.log").open("a", encoding="utf-8") as log:
            log.write(f"{' '.join(words)}: {done.returncode} {done.stdout}{done.stderr}\n")
        if check and done.returncode:
            raise RuntimeError(f"{words}: {done.returncode}: {done.stderr}")

    def _await(self, is_so: Callable[[], bool], what: str, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        while not is_so():
            if time.monotonic() > until:
                raise TimeoutError(f"{self.spec.name}: {what} did not come in {timeout_s:g} s")
            time.sleep(LOOK_S)


def _is_named(name: str, words: Sequence[str]) -> bool:
    """Tell whether a command line is that of a station or of its watchdog."""
    if name == "watchdog":
        return "orchestrator.station.watchdog" in words
    return name in words


def _n_job_events(state: CampaignState) -> int:
    """Return a number that grows whenever a job starts or ends."""
    jobs = [job for one in state.open_experiments.values() for job in one.jobs.values()]
    ends = sum(job.status in (JobStatus.DONE, JobStatus.FAILED) for job in jobs)
    return 100 * len(state.closed_experiments) + ends + sum(job.attempt for job in jobs)


def _doubts(state: CampaignState) -> list[str]:
    return [
        job.planned.job_id
        for experiment in state.open_experiments.values()
        for job in experiment.jobs.values()
        if job.status is JobStatus.IN_DOUBT and job.planned.recovery != "pure"
    ]


def places_for(n: int, rng: random.Random) -> list[tuple[str | None, str | None]]:
    """Return so many places to die at: every landmark in turn, and as many random times.

    Args:
        n: How many.
        rng: Of the order and the victims.
    """
    plan: list[tuple[str | None, str | None]] = []
    while len(plan) < n:
        round_: list[tuple[str | None, str | None]] = [(label, None) for label in LANDMARKS]
        round_ += [(None, rng.choice(VICTIMS)) for _ in LANDMARKS]
        rng.shuffle(round_)
        plan += round_
    return plan[:n]
