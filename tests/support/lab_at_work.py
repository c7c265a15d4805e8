"""A laboratory of real processes at work, and its dashboard: what people in a browser act on."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from orchestrator.access.roles import Role
from orchestrator.core.campaign import CampaignState, CampaignStatus
from orchestrator.core.events import PlacesCleaned, PlacesLeftUnclean
from orchestrator.log.recovered import recovered_state
from orchestrator.log.sql_log import open_sqlite_log
from tests.support.real_lab import RealLab
from tests.support.served_dashboard import ServedDashboard

__all__ = ["LabAtWork", "lab_at_work"]

SPEED = 200.0


@dataclass
class LabAtWork:
    """A real laboratory with a campaign that goes on for long, and who serves it.

    Args:
        real: Its processes.
        served: Its dashboard.
    """

    real: RealLab
    served: ServedDashboard
    token: str
    n_asked: int = 0

    @property
    def campaign_id(self) -> str:
        """The newest campaign of the bench."""
        opened = [one for one in self.real.records() if one.event.kind == "CampaignOpened"]
        found: str = opened[-1].event.model_dump()["campaign_id"]
        return found

    @property
    def page(self) -> str:
        """Where that campaign is shown."""
        return f"/campaigns/{self.campaign_id}"

    def state(self) -> CampaignState:
        """Return how that campaign stands."""
        log = open_sqlite_log(self.real.database, must_exist=True)
        try:
            found = recovered_state(log, self.campaign_id)
            assert found is not None
            return found.state
        finally:
            log.close()

    def act(self, name: str, **fields: Any) -> None:
        """Have Bob do something by the API, to prepare what a test needs."""
        self.n_asked += 1
        answer = httpx.post(
            f"{self.served.url}/api/v1/acts/{name}",
            json={"reason": "to begin with", **fields},
            headers={
                "authorization": f"Bearer {self.token}",
                "idempotency-key": f"prepare-{self.n_asked:04d}",
            },
            timeout=60.0,
        )
        answer.raise_for_status()

    def be_running(self) -> None:
        """Bring it to where jobs run: no latch, a campaign that goes on."""
        if self.state().status in (CampaignStatus.STOPPING, CampaignStatus.ABORTING):
            self.real.wait_until(self._has_ended)
        if self._has_ended():
            self.real.run("--new")
            self.real.wait_until(lambda: not self._has_ended())
        begun = self.real.n_acts()
        self.real.wait_until(lambda: self._goes_on(begun))

    def _goes_on(self, n_acts: int) -> bool:
        """Tell whether devices act again; if not, put right what stands in the way."""
        if self.real.n_acts() > n_acts and self.state().status is CampaignStatus.RUNNING:
            return True
        with suppress(httpx.HTTPStatusError):  # it has changed meanwhile: look again
            if unclean := self._unclean():
                self.act("clean_places", places=unclean)
            if self._is_latched():
                self.act("clear_latch")
            if self.state().status in (CampaignStatus.PAUSED, CampaignStatus.HELD):
                self.act("resume", campaign_id=self.campaign_id)
        return False

    def _unclean(self) -> list[str]:
        left: set[str] = set()
        for one in self.real.records("lab"):
            if isinstance(one.event, PlacesLeftUnclean):
                left |= {*one.event.places}
            elif isinstance(one.event, PlacesCleaned):
                left -= {*one.event.places}
        return sorted(left)

    def _has_ended(self) -> bool:
        return self.state().status.has_ended

    def _is_latched(self) -> bool:
        kinds = [one.event.kind for one in self.real.records("lab")]
        latched = [kind for kind in kinds if kind in ("LatchSet", "LatchCleared")]
        return latched[-1:] == ["LatchSet"]


@contextmanager
def lab_at_work(folder: Path, *, more: str = "") -> Iterator[LabAtWork]:
    """Give a laboratory that works, until the end of the block.

    Args:
        folder: Empty.
        more: Tables of the campaign file.
    """
    with RealLab(folder, speed=SPEED, n_experiments=500) as real:
        text = real.campaign.read_text(encoding="utf-8")
        real.campaign.write_text(text + more, encoding="utf-8")
        real.run()
        real.wait_until(lambda: real.n_acts() > 0 or "[approval]" in more)
        real.wait_until(lambda: "CandidatesProposed" in [r.event.kind for r in real.records()])
        with ServedDashboard(real.database) as served:
            token = served.token("bob", Role.OPERATOR)
            try:
                yield LabAtWork(real, served, token)
            finally:
                for pid in real.pids():
                    os.kill(pid, signal.SIGKILL)
