"""Campaign files and dry-runs, for scripts; a kept file is started by the act `start_campaign`."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import FileResponse

from orchestrator.access.roles import Principal, Scope
from orchestrator.access.webhooks import WebhookBook
from orchestrator.dashboard.api.answers import PREFIX, for_scope, refused_as
from orchestrator.dashboard.api.keyed import Key, do_once
from orchestrator.dashboard.api.launch_models import (
    DryRunDone,
    DryRunWanted,
    KeptDone,
    TextToCheck,
)
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.errors import RequestRefused
from orchestrator.service.launching import (
    CampaignCheck,
    CampaignText,
    DryRunView,
    KeptCampaign,
    Launcher,
    RigView,
)

__all__ = ["REPORT_POLICY", "launcher_of", "router"]

router = APIRouter(prefix=PREFIX, tags=["campaign files"])

Reader = Annotated[Principal, Depends(needs(Scope.READ))]
Operator = Annotated[Principal, Depends(needs(Scope.CONTROL))]
Name = Annotated[str, Path(max_length=100, description="Of a kept file, without its version.")]
Version = Annotated[int, Path(ge=1, le=1_000_000)]
DryRunId = Annotated[str, Path(max_length=100)]
RigName = Annotated[str, Query(min_length=1, max_length=200, description="One of `rigs`.")]
_READ: Final = for_scope(Scope.READ)
_CONTROL: Final = for_scope(Scope.CONTROL)
REPORT_POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
"""The report holds its own scripts: they run as a stranger's, without the session."""


def launcher_of(request: Request) -> Launcher:
    """Return what starts campaigns.

    Raises:
        RequestRefused: This server starts none.
    """
    launcher = parts_of(request).launcher
    if launcher is None:
        raise RequestRefused("no campaign can be started here: the server was given no rig")
    return launcher


@router.get(
    "/rigs",
    operation_id="rigs",
    summary="Rigs that campaigns may be started on",
    openapi_extra=_READ,
)
def rigs(request: Request, me: Reader) -> tuple[RigView, ...]:
    """Return the rigs that the server was given; none, if it starts no campaigns."""
    launcher = parts_of(request).launcher
    return () if launcher is None else launcher.rigs()


@router.post(
    "/campaign-files/check",
    operation_id="check_campaign_text",
    summary="What a campaign file takes, and what is wrong with it",
    openapi_extra=_CONTROL,
)
def check_text(request: Request, wanted: TextToCheck, me: Operator) -> CampaignCheck:
    """Check a text: mistakes with key, got and expected, or samples, hours, money and stock.

    Nothing is kept.
    """
    return launcher_of(request).check(wanted.source, wanted.rig)


@router.post(
    "/campaign-files",
    operation_id="keep_campaign_file",
    summary="Keep a campaign file as a version",
    status_code=201,
    openapi_extra=_CONTROL,
)
def keep(request: Request, source: CampaignText, me: Operator, key: Key) -> KeptDone:
    """Keep a text under its file's name; each change is a version of its own."""
    launcher = launcher_of(request)

    def change(_book: WebhookBook) -> str:
        return launcher.keep(source, by=me.name).file_id

    file_id, was_done = do_once(request, me, key, source, change)
    kept = next(one for one in launcher.kept() if one.file_id == file_id)
    return KeptDone(message=f"{file_id} is kept", was_done_before=was_done, kept=kept)


@router.get(
    "/campaign-files",
    operation_id="campaign_files",
    summary="Kept campaign files",
    openapi_extra=_READ,
)
def kept_files(request: Request, me: Reader) -> tuple[KeptCampaign, ...]:
    """Return every kept file, the newest first."""
    launcher = parts_of(request).launcher
    return () if launcher is None else launcher.kept()


@router.get(
    "/campaign-files/{name}/{version}",
    operation_id="campaign_file",
    summary="A kept campaign file",
    openapi_extra=_READ,
)
def kept_text(request: Request, name: Name, version: Version, me: Reader) -> CampaignText:
    """Return the text of a version, with its list of points if it has one."""
    with refused_as(404):
        return launcher_of(request).text_of(f"{name}/{version}")


@router.get(
    "/campaign-files/{name}/{version}/check",
    operation_id="check_campaign_file",
    summary="What a kept campaign file takes",
    openapi_extra=_READ,
)
def check_kept(
    request: Request, name: Name, version: Version, rig: RigName, me: Reader
) -> CampaignCheck:
    """Check a version with a rig; its fingerprints are what `start_campaign` wants to hear."""
    file_id = f"{name}/{version}"
    with refused_as(404):
        launcher = launcher_of(request)
        launcher.text_of(file_id)
        if all(one.name != rig for one in launcher.rigs()):
            raise RequestRefused(f"rig: got {rig[:80]!r}, expected one of `rigs`")
    return launcher.check_kept(file_id, rig)


@router.post(
    "/dry-runs",
    operation_id="begin_dry_run",
    summary="Try a kept file on a pretended bench",
    status_code=201,
    openapi_extra=_CONTROL,
)
def begin_dry_run(request: Request, wanted: DryRunWanted, me: Operator, key: Key) -> DryRunDone:
    """Begin a dry-run in the background; it has a log of its own."""
    launcher = launcher_of(request)

    def change(_book: WebhookBook) -> str:
        view = launcher.dry_run(
            wanted.file_id,
            wanted.rig,
            seed=wanted.seed,
            max_experiments=wanted.max_experiments,
            by=me.name,
        )
        return view.dry_run_id

    dry_run_id, was_done = do_once(request, me, key, wanted, change)
    view = launcher.dry_run_view(dry_run_id)
    return DryRunDone(message=f"{dry_run_id} is asked", was_done_before=was_done, dry_run=view)


@router.get("/dry-runs", operation_id="dry_runs", summary="Dry-runs", openapi_extra=_READ)
def dry_runs(request: Request, me: Reader) -> tuple[DryRunView, ...]:
    """Return every dry-run that is kept, the newest first."""
    launcher = parts_of(request).launcher
    return () if launcher is None else launcher.dry_runs()


@router.get(
    "/dry-runs/{dry_run_id}",
    operation_id="dry_run_state",
    summary="How a dry-run goes",
    openapi_extra=_READ,
)
def dry_run_view(request: Request, dry_run_id: DryRunId, me: Reader) -> DryRunView:
    """Return how far it is, and its best values."""
    with refused_as(404):
        return launcher_of(request).dry_run_view(dry_run_id)


@router.delete(
    "/dry-runs/{dry_run_id}",
    operation_id="end_dry_run",
    summary="End a dry-run",
    openapi_extra=_CONTROL,
)
def end_dry_run(request: Request, dry_run_id: DryRunId, me: Operator, key: Key) -> DryRunDone:
    """End one that is queued or runs; one that is over stays as it is."""
    launcher = launcher_of(request)

    def change(_book: WebhookBook) -> str:
        with refused_as(404):
            launcher.dry_run_view(dry_run_id)
        return launcher.cancel_dry_run(dry_run_id, by=me.name).dry_run_id

    _, was_done = do_once(request, me, key, None, change)
    view = launcher.dry_run_view(dry_run_id)
    return DryRunDone(message=f"{dry_run_id} ends", was_done_before=was_done, dry_run=view)


@router.get(
    "/dry-runs/{dry_run_id}/report",
    operation_id="dry_run_page",
    summary="The report of a dry-run",
    response_class=FileResponse,
    responses={200: {"content": {"text/html": {}}, "description": "One self-contained page."}},
    openapi_extra=_READ,
)
def report(request: Request, dry_run_id: DryRunId, me: Reader) -> FileResponse:
    """Return the report's page, which holds its own scripts and asks nobody for anything."""
    with refused_as(404):
        path = launcher_of(request).dry_run_report(dry_run_id)
    return FileResponse(
        path, media_type="text/html", headers={"content-security-policy": REPORT_POLICY}
    )
