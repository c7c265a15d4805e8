"""A new campaign: its file, what it will take, a dry-run, the start."""

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from starlette.responses import FileResponse, RedirectResponse, Response

from orchestrator.access.roles import Principal, Scope
from orchestrator.dashboard.api.launch_routes import REPORT_POLICY, launcher_of
from orchestrator.dashboard.identity import needs
from orchestrator.dashboard.parts import parts_of
from orchestrator.dashboard.rate import slow_down
from orchestrator.dashboard.rendering import page
from orchestrator.errors import RequestRefused
from orchestrator.service.launching import CampaignCheck, CampaignText, RigView
from orchestrator.service.launching.shipped import shipped_campaign, shipped_campaigns

__all__ = ["router", "source_of"]

router = APIRouter(include_in_schema=False)

Reader = Annotated[Principal, Depends(needs(Scope.READ))]
Operator = Annotated[Principal, Depends(needs(Scope.CONTROL))]
Word = Annotated[str, Query(max_length=200)]
Said = Annotated[str, Form(max_length=200)]
Text = Annotated[str, Form(max_length=1_500_000)]
Upload = Annotated[UploadFile | None, File()]

_N_KEPT: Final = 30
_N_DRY_RUNS: Final = 10


def source_of(
    text: Text = "", file_name: Said = "", upload: Upload = None, points: Upload = None
) -> CampaignText:
    """Return the campaign file that a form gives: one that is uploaded counts before the text."""
    name, data = file_name.strip() or "campaign.toml", text.replace("\r\n", "\n").encode()
    if upload is not None and upload.filename:
        name, data = upload.filename, upload.file.read()
    points_name, points_data = "", b""
    if points is not None and points.filename:
        points_name, points_data = points.filename, points.file.read()
    return CampaignText.of_bytes(name, data, points_name, points_data)


Source = Annotated[CampaignText, Depends(source_of)]


@router.get("/new", name="new")
def new(
    request: Request,
    me: Reader,
    file: Word = "",
    shipped: Word = "",
    rig: Word = "",
) -> Response:
    """Show a campaign file to be written, and what was kept and tried before."""
    launcher = parts_of(request).launcher
    rigs = () if launcher is None else launcher.rigs()
    source, check = CampaignText(file_name="campaign.toml", text=""), None
    chosen = _chosen(rigs, rig)
    if shipped:
        source = shipped_campaign(shipped)
    elif file and launcher is not None:
        source = launcher.text_of(file)
        if chosen is not None:
            check = launcher.check_kept(file, chosen.name)
    context = {
        "rigs": rigs,
        "rig": chosen,
        "source": source,
        "file": file if not shipped else "",
        "check": check,
        "kept": () if launcher is None else launcher.kept()[:_N_KEPT],
        "dry_runs": () if launcher is None else launcher.dry_runs()[:_N_DRY_RUNS],
        "shipped": shipped_campaigns(),
        "unfinished": _unfinished(request, check),
    }
    return page(request, "new.html", context)


@router.post("/new/files", name="new_keep")
def keep(request: Request, me: Operator, source: Source, rig: Said = "") -> Response:
    """Keep a campaign file as a version, and show what it takes."""
    slow_down(request, me.name)
    kept = launcher_of(request).keep(source, by=me.name)
    query = urlencode({"file": kept.file_id, "rig": rig})
    return RedirectResponse(f"/new?{query}#check", status_code=303)


@router.post("/parts/new/check", name="new_check")
def check_text(request: Request, me: Operator, source: Source, rig: Said = "") -> Response:
    """Show what a text that is being written takes; nothing is kept."""
    launcher = launcher_of(request)
    chosen = _chosen(launcher.rigs(), rig)
    if chosen is None or not source.text.strip():
        return page(request, "new/check.html", {"check": None})
    return page(request, "new/check.html", {"check": launcher.check(source, chosen.name)})


@router.post("/new/dry-runs", name="new_dry_run")
def dry_run(
    request: Request,
    me: Operator,
    file: Said,
    rig: Said,
    seed: Annotated[int, Form(ge=0, le=2**31)] = 0,
    max_experiments: Said = "",
) -> Response:
    """Begin a dry-run, and show how it goes."""
    slow_down(request, me.name)
    most = max_experiments.strip()
    if most and not (most.isdecimal() and 0 < int(most) <= 100_000):
        raise RequestRefused(f"max_experiments: got {most!r}, expected 1 to 100000")
    view = launcher_of(request).dry_run(
        file, rig, seed=seed, max_experiments=int(most) if most else None, by=me.name
    )
    return RedirectResponse(f"/new/dry-runs/{view.dry_run_id}", status_code=303)


@router.get("/new/dry-runs/{dry_run_id}", name="dry_run")
def dry_run_page(request: Request, me: Reader, dry_run_id: str) -> Response:
    """Show a dry-run."""
    view = launcher_of(request).dry_run_view(dry_run_id)
    return page(request, "dry_run.html", {"run": view})


@router.get("/parts/new/dry-runs/{dry_run_id}", name="dry_run_part")
def dry_run_part(request: Request, me: Reader, dry_run_id: str) -> Response:
    """Show how a dry-run goes."""
    view = launcher_of(request).dry_run_view(dry_run_id)
    return page(request, "new/dry_run.html", {"run": view})


@router.post("/new/dry-runs/{dry_run_id}/cancel", name="cancel_dry_run")
def cancel(request: Request, me: Operator, dry_run_id: str) -> Response:
    """End a dry-run."""
    slow_down(request, me.name)
    launcher_of(request).cancel_dry_run(dry_run_id, by=me.name)
    return RedirectResponse(f"/new/dry-runs/{dry_run_id}", status_code=303)


@router.get("/new/dry-runs/{dry_run_id}/report", name="dry_run_report")
def report(request: Request, me: Reader, dry_run_id: str) -> Response:
    """Show a dry-run's report, as a page that is a stranger to this one."""
    path = launcher_of(request).dry_run_report(dry_run_id)
    return FileResponse(
        path, media_type="text/html", headers={"content-security-policy": REPORT_POLICY}
    )


def _chosen(rigs: tuple[RigView, ...], name: str) -> RigView | None:
    """Return the rig of a name, or the first that can be used."""
    usable = [one for one in rigs if not one.problem]
    named = [one for one in rigs if one.name == name]
    return next(iter([*named, *usable]), None)


def _unfinished(request: Request, check: CampaignCheck | None) -> tuple[str, ...]:
    """Return the campaigns of the checked file's name that have not ended."""
    if check is None or check.outlook is None:
        return ()
    live = parts_of(request).live
    return tuple(
        line.campaign_id
        for line in live.campaigns()
        if line.name == check.outlook.name and line.state not in ("finished", "stopped", "aborted")
    )
