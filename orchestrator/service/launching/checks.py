"""``athanor check`` as a process of its own, with a time after which nobody waits for it."""

import json
import math
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from drivers.clock import SystemClock
from orchestrator.errors import RequestRefused
from orchestrator.service.launching.folder import FilesFolder, errors_of_disk
from orchestrator.service.launching.processes import command_words
from orchestrator.service.launching.rigs import NamedRig
from orchestrator.service.launching.sources import checked, problems_of_points, sha256_of
from orchestrator.service.launching.views import CampaignCheck, CampaignOutlook, CampaignText
from orchestrator.service.problems import ProblemView

__all__ = ["MOST_AT_ONCE", "Checks"]

MOST_AT_ONCE: Final = 2
MOST_WAITING: Final = 6
"""Each that waits holds a thread of the server."""
_SHORTEST_S: Final = 1.0
_LONGEST_S: Final = 300.0
_GRACE_S: Final = 5.0
"""How long a process may take to begin and to end beside its budget."""
_BAD_INPUT: Final = 2
_BUSY: Final = "other campaign files are being checked: ask again in a moment"


class _Mistakes(BaseModel):
    """What ``athanor check --json`` prints of files that are wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    problems: tuple[ProblemView, ...]


class Checks:
    """Checks campaign files, a few at once.

    Args:
        folder: Where a file lies while it is looked at.
    """

    def __init__(self, folder: FilesFolder) -> None:
        self._folder = folder
        self._turn = BoundedSemaphore(MOST_AT_ONCE)
        self._asked = BoundedSemaphore(MOST_AT_ONCE + MOST_WAITING)
        self._clock = SystemClock()

    def check(self, source: CampaignText, rig: NamedRig, *, budget_s: float) -> CampaignCheck:
        """Find out what a campaign takes on a rig, or what is wrong with its file.

        Args:
            source: The file.
            rig: The rig.
            budget_s: After which it is given up, in seconds, 1 to 300.

        Raises:
            RequestRefused: A name or a text cannot be looked at, or others are being checked all
                the time.
            LogUnavailable: The disk does not take the file.
        """
        if not _SHORTEST_S <= budget_s <= _LONGEST_S:
            raise RequestRefused(
                f"budget_s: got {budget_s:g}, expected {_SHORTEST_S:g} to {_LONGEST_S:g}"
            )
        source = checked(source)
        unfit = tuple(problems_of_points(source))
        if unfit:
            return self._told(source, rig, unfit, 0.0, budget_s)
        with self._turn_within(budget_s), self._folder.scratch() as scratch:
            return self._checked_in(scratch, source, rig, budget_s)

    @contextmanager
    def _turn_within(self, budget_s: float) -> Iterator[None]:
        if not self._asked.acquire(blocking=False):
            raise RequestRefused(_BUSY)
        try:
            if not self._turn.acquire(timeout=budget_s):
                raise RequestRefused(_BUSY)
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._asked.release()

    def _checked_in(
        self, scratch: Path, source: CampaignText, rig: NamedRig, budget_s: float
    ) -> CampaignCheck:
        campaign, rig_file = scratch / source.file_name, scratch / "rig" / rig.offer.file.name
        with errors_of_disk(scratch):
            rig_file.parent.mkdir()
            campaign.write_bytes(source.text.encode())
            rig_file.write_bytes(rig.text.encode())
            if source.points_name:
                (scratch / source.points_name).write_bytes(source.points_text.encode())
        words = ["check", campaign, "--rig", rig_file, "--json", "--within", math.ceil(budget_s)]
        began_s = self._clock.monotonic_s()
        try:
            done = subprocess.run(
                command_words(words),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=budget_s + _GRACE_S,
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return self._told(source, rig, (), self._clock.monotonic_s() - began_s, budget_s)
        took_s = self._clock.monotonic_s() - began_s
        if done.returncode == 0:
            outlook = CampaignOutlook.model_validate_json(done.stdout)
            return self._told(source, rig, (), took_s, budget_s, outlook)
        if done.returncode == _BAD_INPUT:
            names = {str(campaign): source.file_name, str(rig_file): str(rig.offer.file)}
            return self._told(source, rig, _problems(done.stdout, names), took_s, budget_s)
        if took_s >= budget_s:
            return self._told(source, rig, (), took_s, budget_s)
        said = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise RequestRefused(
            f"the check ended with {done.returncode}: {said[-1] if said else 'it said nothing'}"
        )

    @staticmethod
    def _told(
        source: CampaignText,
        rig: NamedRig,
        problems: tuple[ProblemView, ...],
        took_s: float,
        budget_s: float,
        outlook: CampaignOutlook | None = None,
    ) -> CampaignCheck:
        state = "wrong" if problems else "not_finished" if outlook is None else "sound"
        return CampaignCheck.model_validate(
            {
                "state": state,
                "problems": problems,
                "outlook": outlook,
                "took_s": took_s,
                "budget_s": budget_s,
                "file_sha256": sha256_of(source),
                "rig": rig.spec.header.name,
                "rig_sha256": rig.sha256,
                "is_simulated": rig.spec.header.is_simulated,
            }
        )


def _problems(said: bytes, names: dict[str, str]) -> tuple[ProblemView, ...]:
    """Return what is wrong, files called as whoever asks knows them.

    Raises:
        RequestRefused: It did not say what.
    """
    try:
        found = _Mistakes.model_validate(json.loads(said)).problems
    except (ValueError, ValidationError) as error:
        raise RequestRefused("the check ended without saying what is wrong") from error
    return tuple(
        problem.model_copy(update={"file": names.get(problem.file, problem.file)})
        for problem in found
    )
