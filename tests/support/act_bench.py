"""A laboratory in a SQLite file in whose present state almost every act is possible.

bench = ActBench.at(tmp_path)                  # two campaigns, a doubt, two alarms
told = bench.perform(act, key="key-00001")     # as Ada, an operator, with a living station
assert bench.records()[-1].event == PauseRequested(reason="lunch")
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Self

from campaigns.loading import campaign_from_text
from drivers.clock import SystemClock
from drivers.task_board import TaskBoard
from orchestrator.access.roles import Principal, Role
from orchestrator.core.events import (
    LAB_STREAM,
    AlarmRaised,
    CampaignOpened,
    CandidatesProposed,
    EngineAttached,
    Event,
    JobOutcomeUnknown,
    JobStarted,
    PlacesLeftUnclean,
    Severity,
    campaign_stream,
)
from orchestrator.core.point import Candidate
from orchestrator.errors import LogUnavailable
from orchestrator.log.event_log import Record
from orchestrator.log.kept_acts import ActKey, KeptAct
from orchestrator.log.sql_log import SqliteLog, open_sqlite_log
from orchestrator.service.acts import Act, Told, perform_act
from orchestrator.service.decisions import Acting
from orchestrator.service.lab import Lab
from orchestrator.service.launching.desk import LaunchDesk
from orchestrator.service.launching.folder import FilesFolder
from orchestrator.service.launching.rigs import RigsOnOffer
from orchestrator.service.launching.views import Started, StartWanted
from orchestrator.service.task_boards import TaskBoards
from orchestrator.settings import Settings
from tests.support.listening_station import ListeningStation
from tests.support.recorded_campaign import CAMPAIGN_TEXT, OPENED, RecordedCampaign

__all__ = [
    "ADA",
    "ALARM",
    "BOB",
    "OTHER",
    "OTHER_ALARM",
    "SMALL",
    "TASK",
    "ActBench",
    "FullDisk",
    "KeptLauncher",
]

SMALL, OTHER = "small-1", "other-1"
ALARM, OTHER_ALARM = "in_doubt/small-1/E0002/dose", "stock_low/x1"
TASK = "small-1/E0003/press#1@20260302T080000000000"
ADA = Principal.of_role("ada", Role.OPERATOR, "session")
BOB = Principal.of_role("bob", Role.OPERATOR, "session")


def _record(log: SqliteLog) -> None:
    """Record one result, one job in doubt, one running job, two waiting candidates, two alarms."""
    small = RecordedCampaign(log, SMALL)
    small.open()
    small.finish(small.start(), 0.35)
    doubtful = small.start()
    small.do_jobs(doubtful, "tare")
    small.append(JobStarted(job_id=f"{doubtful}/dose", attempt=1, epoch=1))
    small.append(JobOutcomeUnknown(job_id=f"{doubtful}/dose", evidence="no reply in 62 s"))
    running = small.start()
    small.append(JobStarted(job_id=f"{running}/tare", attempt=1, epoch=1))
    small.append(
        CandidatesProposed(
            proposal=4,
            planner="sobol",
            method="initial_design",
            reason="no model yet",
            n_observations=1,
            candidates=(_candidate(0.1), _candidate(0.2)),
        )
    )
    small.fail(small.start())
    places = PlacesLeftUnclean(places=("cell", "vessel"), campaign_id=SMALL, experiment_id="E0004")
    alarms = [_raised(ALARM, Severity.HIGH), _raised(OTHER_ALARM, Severity.LOW)]
    small.append(places, *alarms, stream=LAB_STREAM)
    RecordedCampaign(log, OTHER).open()


def _candidate(nickel: float) -> Candidate:
    return Candidate(point={"Ni": nickel, "Fe": 0.2, "Co": 0.8 - nickel, "furnace_c": 350.0})


def _raised(alarm: str, severity: Severity) -> AlarmRaised:
    return AlarmRaised(
        alarm=alarm, severity=severity, message="look", consequence="it waits", what_to_do="look"
    )


@cache
def _recorded() -> Path:
    """Return a file that was recorded once; tests copy it."""
    path = Path(mkdtemp(prefix="athanor-acts-")) / "lab.db"
    log = open_sqlite_log(path)
    _record(log)
    log.close()
    return path


class FullDisk(SqliteLog):
    """A log whose disk takes nothing for a while."""

    def append(self, *arguments, **named):  # type: ignore[no-untyped-def]  # as the log's own
        """Refuse, as on a full disk."""
        raise LogUnavailable("database or disk is full")

    def keep_act(self, *arguments, **named):  # type: ignore[no-untyped-def]  # as the log's own
        """Refuse, as on a full disk."""
        raise LogUnavailable("database or disk is full")


class KeptLauncher(LaunchDesk):
    """A launcher whose engines do no more than take their campaigns, under the act's key.

    Args:
        bench: In whose log they do it.
    """

    def __init__(self, bench: "ActBench") -> None:
        folder = FilesFolder.of_database(bench.database)
        folder.make()
        settings = Settings(database=bench.database, actor="server")
        super().__init__(settings, RigsOnOffer(()), folder)
        self._bench = bench
        self.asked: list[str] = []

    def start(self, wanted: StartWanted, *, act: ActKey) -> Started:
        """Open a campaign."""
        self.asked.append(wanted.file_id)
        opened = CampaignOpened(
            campaign_id="started-1",
            name="started",
            campaign_text=campaign_from_text(CAMPAIGN_TEXT, file="small.toml").canonical_text(),
            rig_name=wanted.rig,
            rig_sha256=wanted.rig_sha256,
            seed=wanted.seed,
            is_simulated=True,
            athanor_version="0.1.0",
        )
        return self._append("started-1", opened, act)

    def start_again(self, campaign_id: str, *, act: ActKey, reason: str = "") -> Started:
        """Take a campaign over."""
        self.asked.append(campaign_id)
        return self._append(campaign_id, EngineAttached(epoch=2), act)

    def started_under(self, act: ActKey) -> str:
        """Return the campaign whose record has the act's seq."""
        kept = self._bench.kept(act.key)
        for record in self._bench.records(0 if kept is None else kept.seq - 1):
            is_start = isinstance(record.event, CampaignOpened | EngineAttached)
            if kept is not None and record.seq == kept.seq and is_start:
                return record.stream.partition("/")[2]
        return ""

    def _append(self, campaign_id: str, event: Event, act: ActKey) -> Started:
        self._bench.say(event, stream=campaign_stream(campaign_id), actor=act.actor, act=act)
        return Started(campaign_id=campaign_id, message=f"an engine works for {campaign_id}")


@dataclass
class ActBench:
    """A log, a station, a board of tasks and a launcher."""

    folder: Path
    station: ListeningStation = field(default_factory=ListeningStation)
    is_full: bool = False
    """Whether the disk takes nothing."""
    log_type: type[SqliteLog] = SqliteLog
    n_opened: int = 0
    """How often the log was opened for people."""
    launcher: KeptLauncher = field(init=False)
    boards: TaskBoards = field(init=False)

    def __post_init__(self) -> None:
        """Have the station know where the log ends."""
        self.station.last_seq = self.last_seq
        self.launcher = KeptLauncher(self)
        self.boards = TaskBoards.of(folders=[self.folder / "board"])

    @classmethod
    def at(cls, folder: Path) -> Self:
        """Lay one out in an empty folder."""
        shutil.copy(_recorded(), folder / "lab.db")
        board = TaskBoard(folder / "board", SystemClock())
        board.create()
        board.post(TASK, "Press the pellet.", ("mass_g",), 60.0)
        return cls(folder)

    @property
    def database(self) -> Path:
        """The log's file."""
        return self.folder / "lab.db"

    def log(self) -> SqliteLog:
        """Open the log; the disk is full if it is."""
        log = (FullDisk if self.is_full else self.log_type)(self.database)
        log.open(must_exist=True)
        return log

    def open_lab(self, name: str, acting: Acting | None) -> Lab:
        """Open the log for a person."""
        self.n_opened += 1
        return Lab(
            self.log(), actor=name, clock=SystemClock(), source=str(self.database), acting=acting
        )

    def perform(
        self, act: Act, who: Principal = ADA, *, key: str = "key-00001", seen: int | None = None
    ) -> Told:
        """Do an act as a person."""
        return perform_act(
            act,
            who,
            open_lab=self.open_lab,
            door=self.station,
            key=key,
            seen_seq=seen,
            launcher=self.launcher,
            boards=self.boards,
        )

    def consequence(self, act: Act) -> str:
        """Return what an act would do."""
        with self.open_lab("ada", None) as lab:
            return act.consequence(lab)

    def say(
        self,
        *events: Event,
        stream: str = LAB_STREAM,
        actor: str = "bob",
        act: ActKey | None = None,
    ) -> None:
        """Have somebody append something."""
        log = SqliteLog(self.database)
        log.open(must_exist=True)
        log.append(stream, events, time=OPENED, actor=actor, is_simulated=True, act=act)
        log.close()

    def records(self, after_seq: int = 0) -> Sequence[Record]:
        """Return what the log says."""
        log = self.log()
        found = list(log.read(after_seq=after_seq))
        log.close()
        return found

    def last_seq(self) -> int:
        """Return where the log ends."""
        log = self.log()
        last = log.last_seq()
        log.close()
        return last

    def kept(self, key: str = "key-00001") -> KeptAct | None:
        """Return the act that is kept under a key."""
        log = self.log()
        found = log.kept_act(key)
        log.close()
        return found
