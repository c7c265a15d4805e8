"""The launcher of one server: its rigs, and the laboratory's folder beside the database."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from typing_extensions import override

from orchestrator.alarms.signs_of_life import free_mb
from orchestrator.errors import LogUnavailable, RequestRefused
from orchestrator.log.kept_acts import ActKey
from orchestrator.service.lab import Lab
from orchestrator.service.launching.file_desk import FileDesk
from orchestrator.service.launching.folder import FilesFolder, errors_of_disk
from orchestrator.service.launching.rehearsals import Rehearsals
from orchestrator.service.launching.rigs import NamedRig, RigOffer, RigsOnOffer
from orchestrator.service.launching.starts import Starts
from orchestrator.service.launching.views import (
    CampaignText,
    DryRunView,
    KeptCampaign,
    Started,
    StartedFrom,
    StartWanted,
)
from orchestrator.service.views import EngineState
from orchestrator.settings import Settings
from orchestrator.station.control import NoStation, status_of
from orchestrator.station.places import station_folder

__all__ = ["LaunchDesk"]

LEAST_FREE_MB: Final = 100.0
"""With less room on the disk no campaign is started, and no file is kept."""
_GREETING_S: Final = 5.0


class LaunchDesk(FileDesk):
    """A `Launcher`.

    Args:
        settings: Of the server.
        rigs: On which campaigns may be started.
        folder: The laboratory's, made.
    """

    def __init__(self, settings: Settings, rigs: RigsOnOffer, folder: FilesFolder) -> None:
        super().__init__(rigs, folder)
        self._settings = settings
        self._rehearsals = Rehearsals(folder, settings)
        self._starts = Starts(folder, settings)

    @classmethod
    def open(cls, settings: Settings, offers: Sequence[RigOffer]) -> Self:
        """Open the launcher of a server.

        Args:
            settings: Where the log is, and whom engines tell of alarms.
            offers: The rigs that the server's operator named.

        Raises:
            RigFileError: A rig file is wrong.
            SettingsError: Two rigs have one name, or a real one shall run at another speed.
            RequestRefused: The folder beside the database is open to others.
            LogUnavailable: The disk does not take it.
        """
        rigs = RigsOnOffer(offers)
        folder = FilesFolder.of_database(settings.database)
        folder.make()
        desk = cls(settings, rigs, folder)
        desk._rehearsals.open()
        return desk

    def close(self) -> None:
        """Look after dry-runs no more; they and all campaigns go on."""
        self._rehearsals.close()

    def __enter__(self) -> Self:
        """Return the launcher itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    @override
    def keep(self, source: CampaignText, *, by: str) -> KeptCampaign:
        """Keep a campaign file, unless the log would soon find no room; see `Launcher.keep`."""
        self._refuse_full_disk("kept")
        return super().keep(source, by=by)

    def dry_run(
        self,
        file_id: str,
        rig: str,
        *,
        seed: int = 0,
        max_experiments: int | None = None,
        by: str,
    ) -> DryRunView:
        """Have a dry-run made in the background, as soon as there is a place for it."""
        named = self._rigs.named(rig)
        if named.spec.simulation is None:
            raise RequestRefused(
                f"{named.offer.file}: got no table [simulation], expected one with the world that "
                "a dry-run pretends"
            )
        if seed < 0 or (max_experiments is not None and max_experiments < 1):
            raise RequestRefused(
                f"dry-run: got seed {seed} and at most {max_experiments} experiments, expected a "
                "seed of at least 0 and at least 1 experiment"
            )
        self._refuse_full_disk()
        return self._rehearsals.ask(
            (file_id, self._files.path_of(file_id)),
            named,
            seed=seed,
            max_experiments=max_experiments,
            by=by,
        )

    def dry_runs(self) -> tuple[DryRunView, ...]:
        """Return every dry-run as far as it is, the newest first."""
        return self._rehearsals.views()

    def dry_run_view(self, dry_run_id: str) -> DryRunView:
        """Return one dry-run as far as it is."""
        return self._rehearsals.view(dry_run_id)

    def cancel_dry_run(self, dry_run_id: str, *, by: str) -> DryRunView:
        """End a dry-run; one that is over stays as it is."""
        return self._rehearsals.cancel(dry_run_id, by=by)

    def dry_run_report(self, dry_run_id: str) -> Path:
        """Return where the report of a dry-run is."""
        return self._rehearsals.report(dry_run_id)

    def start(self, wanted: StartWanted, *, act: ActKey) -> Started:
        """Start an engine that opens a campaign; see `Launcher.start`."""
        done = self._starts.done_under(act)
        if done:
            return _before(done)
        kept = self._files.unchanged(wanted.file_id, wanted.file_sha256)
        rig = self._rigs.unchanged(wanted.rig, wanted.rig_sha256)
        self._refuse_full_disk()
        self._refuse_unfinished(kept.campaign_name, is_another_wanted=wanted.opens_another)
        self._refuse_other_station(rig)
        words = ["--seed", wanted.seed, *(["--new"] if wanted.opens_another else [])]
        words += ["--reason", wanted.reason] if wanted.reason else []
        campaign = kept.file_id, self._files.path_of(kept.file_id)
        campaign_id = self._starts.open_new(campaign, rig, act, words)
        return Started(
            campaign_id=campaign_id,
            message=f"{campaign_id} is opened on {wanted.rig}; its engine works for it",
        )

    def start_again(self, campaign_id: str, *, act: ActKey, reason: str = "") -> Started:
        """Start an engine for a campaign that nobody drives; see `Launcher.start_again`."""
        done = self._starts.done_under(act)
        if done:
            return _before(done)
        with Lab.open(self._settings) as lab:
            state, engine = lab.state(campaign_id), lab.engine(campaign_id)
        if state.status.has_ended:
            raise RequestRefused(f"{campaign_id} is {state.status}: it needs no engine")
        if engine.state is EngineState.ALIVE:
            raise RequestRefused(
                f"{campaign_id} is driven by process {engine.pid} on {engine.host}: it needs no "
                "other engine"
            )
        known = self._starts.known(campaign_id)
        if known is None:
            raise RequestRefused(
                f"{campaign_id} was not started here, so its files are not known here; type where "
                "they are: athanor run CAMPAIGN_FILE --rig RIG_FILE --resume --database "
                f"{self._settings.database}"
            )
        rig = self._rigs.unchanged(state.rig_name, state.rig_sha256)
        self._refuse_full_disk()
        self._refuse_other_station(rig)
        self._starts.take_over(known[0], rig, act, reason)
        return Started(
            campaign_id=campaign_id, message=f"an engine takes {campaign_id} over and recovers"
        )

    def started_under(self, act: ActKey) -> str:
        """Return which campaign an act opened or started again; empty if it did neither."""
        return self._starts.done_under(act)

    def started_from(self, campaign_id: str) -> StartedFrom | None:
        """Return with what a campaign was started here; None if it was started elsewhere."""
        known = self._starts.known(campaign_id)
        return None if known is None else known[1]

    def _refuse_full_disk(self, done: str = "started") -> None:
        with errors_of_disk(self._settings.database):
            free = free_mb(self._settings.database)
        if free < LEAST_FREE_MB:
            raise LogUnavailable(
                f"nothing is {done}: {free:.0f} MB are left on the disk of "
                f"{self._settings.database}, expected at least {LEAST_FREE_MB:g}"
            )

    def _refuse_unfinished(self, name: str, *, is_another_wanted: bool) -> None:
        with Lab.open(self._settings) as lab:
            same = [one.campaign_id for one in lab.unfinished() if one.name == name]
        if same and not is_another_wanted:
            raise RequestRefused(
                f"campaign {', '.join(same)} of this name is unfinished: go on with it, or say "
                "that another one shall be opened"
            )

    def _refuse_other_station(self, rig: NamedRig) -> None:
        """Refuse a rig whose lines a station holds with another version of its file."""
        database, name = self._settings.database.resolve(), rig.spec.header.name
        try:
            status = status_of(
                station_folder(database, name), database, timeout_s=_GREETING_S
            ).status
        except NoStation:
            return
        if status.rig_sha256 != rig.sha256:
            raise RequestRefused(
                f"the rig {name} is in use: its station (process {status.pid}) holds the lines "
                "with another version of the rig file; end the campaigns that use it first"
            )


def _before(campaign_id: str) -> Started:
    return Started(
        campaign_id=campaign_id,
        message=f"{campaign_id} was started before, under this very key",
        was_started_before=True,
    )
