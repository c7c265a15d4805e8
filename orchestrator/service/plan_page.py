"""A rig's plan as one HTML page that needs nothing else and asks no other host."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from orchestrator.service.plan_svg import plan_svg
from orchestrator.service.plan_view import PlannedJobView, PlanView

__all__ = ["plan_page"]

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1f2937; --page: #fff; --rule: #d1d5db; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5e7eb; --page: #111827; --rule: #4b5563; } }
body { margin: 0 auto; max-width: 1100px; padding: 20px; font: 15px/1.5 system-ui, sans-serif;
  color: var(--ink); background: var(--page); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: 4px 9px; text-align: left; border-bottom: 1px solid var(--rule);
  vertical-align: top; }
.plan-svg { width: 100%; min-width: 46rem; height: auto; }
.plan-svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
.plan-svg text.in { fill: #111; } .plan-svg .gone { opacity: 0.5; }
.plan-svg .axis { stroke: var(--rule); } .plan-svg .now { stroke: #D55E00; stroke-width: 2; }
.plan-svg .planned { fill-opacity: 0.45; stroke-dasharray: 4 2; }
.plan-svg .done { fill-opacity: 0.7; } .plan-svg .failed { stroke: #D55E00; stroke-width: 3; }
.plan-svg .in_doubt { stroke: #D55E00; stroke-width: 3; }
.tone-0 { fill: #56B4E9; stroke: #0072B2; } .tone-1 { fill: #E69F00; stroke: #9a6a00; }
.tone-2 { fill: #4fc3a1; stroke: #009E73; } .tone-3 { fill: #F0E442; stroke: #8f8700; }
.tone-4 { fill: #d99abf; stroke: #CC79A7; } .tone-5 { fill: #b7bcc6; stroke: #6b7280; }
"""


def plan_page(plans: Sequence[PlanView]) -> str:
    """Return the page.

    Args:
        plans: One for each rig.
    """
    body = "".join(_section(plan) for plan in plans)
    if not plans:
        body = "<p>No campaign is unfinished: nothing is to come.</p>"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>Plan</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )


def _section(plan: PlanView) -> str:
    clock = "bench time" if plan.is_virtual else "UTC"
    ends = "".join(
        f"<li><b>{escape(one.campaign_id)}</b> (priority {one.priority}): "
        f"{f'ends about {one.end:%Y-%m-%d %H:%M}: ' if one.end else ''}{escape(one.how)}</li>"
        for one in plan.campaigns
    )
    said = "" if plan.search is None else f"<p>Search: {escape(plan.search.said)}.</p>"
    return (
        f"<h1>Plan of {escape(plan.rig)}</h1><p>As of {plan.now:%Y-%m-%d %H:%M:%S} {clock}, if "
        "every job lasts as long as it should. Pale: planned. The line is the present. Right: how "
        "busy an instrument is; * the bottleneck.</p>"
        f'<div class="scroll">{plan_svg(plan)}</div>{said}<h2>Expected end</h2><ul>{ends}</ul>'
        f'<h2>What waits</h2><div class="scroll"><table><tr><th>Job</th><th>On</th>'
        f"<th>Begins</th><th>Must begin by</th><th>Because</th></tr>"
        f"{''.join(_wait_rows(plan.waiting))}</table></div>"
    )


def _wait_rows(jobs: Sequence[PlannedJobView]) -> Iterator[str]:
    for job in jobs:
        begins = "not known" if job.begin is None else f"{job.begin:%m-%d %H:%M}"
        until = "" if job.must_begin_by is None else f"{job.must_begin_by:%H:%M:%S}"
        late = " It is foreseen too late: the sample will spoil." if job.is_late else ""
        cells = (f"{job.campaign_id}/{job.job_id}", job.instrument, begins, until, job.why + late)
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
