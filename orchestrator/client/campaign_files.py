"""Campaign files and dry-runs, from a script."""

from urllib.parse import quote

from orchestrator.client.connection import Connection
from orchestrator.dashboard.api.launch_models import (
    DryRunDone,
    DryRunWanted,
    KeptDone,
    TextToCheck,
)
from orchestrator.service.launching import (
    CampaignCheck,
    CampaignText,
    DryRunView,
    KeptCampaign,
    RigView,
)

__all__ = ["CampaignFiles"]


class CampaignFiles:
    """The files of a server that starts campaigns.

    Args:
        connection: To the server.

    Example:
        >>> [name for name in ("check", "keep", "dry_run") if not hasattr(CampaignFiles, name)]
        []
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rigs(self) -> tuple[RigView, ...]:
        """Return the rigs that campaigns may be started on; none, if none was given."""
        return self._connection.get("/rigs", tuple[RigView, ...])

    def check(self, source: CampaignText, rig: str) -> CampaignCheck:
        """Return what is wrong with a text, or what it takes; nothing is kept.

        Args:
            source: The campaign file, with its list of points if it names one.
            rig: One of `rigs`.

        Raises:
            Refused: There is no such rig, or too many checks are under way.
        """
        wanted = TextToCheck(source=source, rig=rig)
        return self._connection.write("POST", "/campaign-files/check", CampaignCheck, wanted)

    def keep(self, source: CampaignText, *, key: str | None = None) -> KeptDone:
        """Keep a text as a version of its file.

        Args:
            source: The campaign file.
            key: The idempotency key, to ask again with; None makes one.
        """
        return self._connection.write("POST", "/campaign-files", KeptDone, source, key=key)

    def kept(self) -> tuple[KeptCampaign, ...]:
        """Return every kept file, the newest first."""
        return self._connection.get("/campaign-files", tuple[KeptCampaign, ...])

    def text_of(self, file_id: str) -> CampaignText:
        """Return the text of a version.

        Args:
            file_id: ``oer_plate/2``.
        """
        return self._connection.get(_path(file_id), CampaignText)

    def check_kept(self, file_id: str, rig: str) -> CampaignCheck:
        """Return what a version takes; its fingerprints are what `StartCampaign` wants.

        Args:
            file_id: ``oer_plate/2``.
            rig: One of `rigs`.
        """
        return self._connection.get(f"{_path(file_id)}/check", CampaignCheck, {"rig": rig})

    def dry_run(self, wanted: DryRunWanted, *, key: str | None = None) -> DryRunDone:
        """Begin a dry-run of a kept file.

        Args:
            wanted: File, rig, seed, and how many experiments.
            key: The idempotency key, to ask again with; None makes one.
        """
        return self._connection.write("POST", "/dry-runs", DryRunDone, wanted, key=key)

    def dry_runs(self) -> tuple[DryRunView, ...]:
        """Return every dry-run that is kept, the newest first."""
        return self._connection.get("/dry-runs", tuple[DryRunView, ...])

    def dry_run_state(self, dry_run_id: str) -> DryRunView:
        """Return how a dry-run goes.

        Args:
            dry_run_id: Which.
        """
        return self._connection.get(f"/dry-runs/{quote(dry_run_id, safe='')}", DryRunView)

    def end_dry_run(self, dry_run_id: str) -> DryRunDone:
        """End a dry-run.

        Args:
            dry_run_id: Which.
        """
        path = f"/dry-runs/{quote(dry_run_id, safe='')}"
        return self._connection.write("DELETE", path, DryRunDone)

    def report(self, dry_run_id: str) -> bytes:
        """Return the report of a dry-run that is over, as HTML.

        Args:
            dry_run_id: Which.
        """
        return self._connection.download(f"/dry-runs/{quote(dry_run_id, safe='')}/report")


def _path(file_id: str) -> str:
    name, _, version = file_id.rpartition("/")
    return f"/campaign-files/{quote(name, safe='')}/{quote(version, safe='')}"
