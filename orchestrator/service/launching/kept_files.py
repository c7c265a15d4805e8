"""Campaign files that are kept: each version in a folder of its own, never overwritten."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from drivers.clock import SystemClock
from orchestrator.errors import RequestRefused
from orchestrator.service.launching.folder import FilesFolder, errors_of_disk, write_new
from orchestrator.service.launching.sources import (
    campaign_name_in,
    checked,
    problems_of_points,
    sha256_of,
)
from orchestrator.service.launching.views import CampaignCheck, CampaignText, KeptCampaign

__all__ = ["KeptFiles"]

_FILE_ID: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,94})/([1-9][0-9]{0,5})")
_FACTS: Final = "kept.json"
_READ_ONLY: Final = 0o400
_MOST_SHOWN: Final = 100


class KeptFiles:
    """The campaign files of one laboratory.

    Args:
        folder: Of the laboratory.
    """

    def __init__(self, folder: FilesFolder) -> None:
        self._folder = folder

    def keep(self, source: CampaignText, *, by: str) -> KeptCampaign:
        """Keep a campaign file; what is kept already is not kept again.

        Args:
            source: The file.
            by: Who gives it.

        Raises:
            RequestRefused: A name or a text cannot be kept, or its list of points is not with it.
            LogUnavailable: The disk does not take it.
        """
        source = checked(source)
        problems = [problem.message for problem in problems_of_points(source)]
        if problems:
            raise RequestRefused(f"{source.file_name}: {problems[0]}")
        if not campaign_name_in(source):
            raise RequestRefused(
                f"{source.file_name}: got no name under [campaign], expected a campaign file"
            )
        stem = source.file_name.removesuffix(".toml")
        sha256 = sha256_of(source)
        for known in self._versions(stem):
            if known.sha256 == sha256:
                return known
        return self._kept_anew(stem, source, sha256, by)

    def _kept_anew(self, stem: str, source: CampaignText, sha256: str, by: str) -> KeptCampaign:
        home = self._folder.files / stem
        with self._folder.scratch() as scratch:
            home.mkdir(mode=0o700, exist_ok=True)
            made = scratch / "version"
            made.mkdir(mode=0o700)
            write_new(made / source.file_name, source.text.encode(), mode=_READ_ONLY)
            if source.points_name:
                points = source.points_text.encode()
                write_new(made / source.points_name, points, mode=_READ_ONLY)
            version = max((one.version for one in self._versions(stem)), default=0) + 1
            while True:
                kept = KeptCampaign(
                    file_id=f"{stem}/{version}",
                    file_name=source.file_name,
                    version=version,
                    campaign_name=campaign_name_in(source),
                    sha256=sha256,
                    points_name=source.points_name,
                    kept_time=SystemClock().now(),
                    kept_by=by,
                )
                write_new(made / _FACTS, kept.model_dump_json().encode(), mode=_READ_ONLY)
                if _is_moved(made, home / str(version)):
                    return kept
                version += 1

    def kept(self) -> tuple[KeptCampaign, ...]:
        """Return every version of every file, the newest first."""
        with errors_of_disk(self._folder.files):
            homes = list(self._folder.files.iterdir())
        found = [version for home in homes for version in self._versions(home.name)]
        return tuple(sorted(found, key=_newest, reverse=True))

    def facts(self, file_id: str) -> KeptCampaign:
        """Return what is known of one version.

        Raises:
            RequestRefused: There is no such version.
        """
        kept = _read_facts(self._home(file_id))
        if kept is None:
            raise RequestRefused(f"no campaign file {file_id[:_MOST_SHOWN]!r} is kept here")
        return kept

    def text_of(self, file_id: str) -> CampaignText:
        """Return one version as it was given.

        Raises:
            RequestRefused: There is no such version.
            LogUnavailable: It cannot be read.
        """
        kept, home = self.facts(file_id), self._home(file_id)
        with errors_of_disk(home):
            text = (home / kept.file_name).read_bytes()
            points = (home / kept.points_name).read_bytes() if kept.points_name else b""
        return CampaignText.of_bytes(kept.file_name, text, kept.points_name, points)

    def path_of(self, file_id: str) -> Path:
        """Return where the campaign file of one version is.

        Raises:
            RequestRefused: There is no such version.
        """
        return self._home(file_id) / self.facts(file_id).file_name

    def unchanged(self, file_id: str, sha256: str) -> KeptCampaign:
        """Return what is known of a version that is what it was.

        Args:
            file_id: Which.
            sha256: Of what somebody looked at.

        Raises:
            RequestRefused: It is not what was looked at, or not what was kept.
            LogUnavailable: It cannot be read.
        """
        kept, found = self.facts(file_id), sha256_of(self.text_of(file_id))
        if found not in (sha256, kept.sha256) or kept.sha256 != sha256:
            raise RequestRefused(
                f"{file_id}: got a file with SHA-256 {found[:12]}, expected {sha256[:12]}, as "
                "it was checked: look at it and check it again"
            )
        return kept

    def keep_check(self, file_id: str, check: CampaignCheck) -> None:
        """Keep what was found out about a version with a rig, for whoever starts it.

        Raises:
            RequestRefused: There is no such version.
            LogUnavailable: The disk does not take it.
        """
        home = self._home(self.facts(file_id).file_id)
        with errors_of_disk(home):
            write_new(home / _check_name(check.rig_sha256), check.model_dump_json().encode())

    def kept_check(self, file_id: str, rig_sha256: str) -> CampaignCheck | None:
        """Return what was found out about a version with a rig, or None.

        Args:
            file_id: Which version.
            rig_sha256: Fingerprint of the rig.
        """
        if _FILE_ID.fullmatch(file_id) is None or re.fullmatch("[0-9a-f]{64}", rig_sha256) is None:
            return None
        try:
            text = (self._home(file_id) / _check_name(rig_sha256)).read_text(encoding="utf-8")
            return CampaignCheck.model_validate_json(text)
        except (OSError, ValidationError):
            return None

    def _versions(self, stem: str) -> list[KeptCampaign]:
        home = self._folder.files / stem
        if not home.is_dir():
            return []
        found = (_read_facts(path) for path in home.iterdir() if path.name.isdecimal())
        return [one for one in found if one is not None]

    def _home(self, file_id: str) -> Path:
        """Return the folder of one version, if it may be one.

        Raises:
            RequestRefused: It cannot be the name of a version.
        """
        found = _FILE_ID.fullmatch(file_id)
        if found is None or ".." in file_id:
            raise RequestRefused(
                f"campaign file: got {file_id[:_MOST_SHOWN]!r}, expected name/version"
            )
        return self._folder.files / found[1] / found[2]


def _is_moved(made: Path, to: Path) -> bool:
    """Move a version to its place; False if another one is there already."""
    if to.exists():
        return False
    try:
        made.rename(to)
    except OSError:
        if to.exists():
            return False
        raise
    return True


def _read_facts(home: Path) -> KeptCampaign | None:
    try:
        return KeptCampaign.model_validate_json((home / _FACTS).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


def _check_name(rig_sha256: str) -> str:
    return f"check-{rig_sha256[:32]}.json"


def _newest(kept: KeptCampaign) -> tuple[datetime, str]:
    return kept.kept_time, kept.file_id
