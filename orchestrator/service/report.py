"""A campaign's report: one HTML file that needs nothing else and asks no other host."""

import json
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path

from orchestrator.errors import AthanorError
from orchestrator.service.composition_plots import (
    chosen_components,
    colour_range,
    parallel_figure,
    ternary_figure,
)
from orchestrator.service.hypervolume_plot import hypervolume_figure
from orchestrator.service.labels import label_from_name
from orchestrator.service.plots import (
    Figure,
    best_figure,
    front_figures,
    judged_label,
    judged_value,
    objective_value,
)
from orchestrator.service.report_parts import (
    banners,
    details,
    experiments_table,
    heading,
    skipped_jobs,
    summary_tiles,
)
from orchestrator.service.timeline import timeline_figure
from orchestrator.service.views import CampaignView

__all__ = ["report_html", "write_report"]


def write_report(view: CampaignView, path: str | Path, *, made_time: datetime) -> Path:
    """Write a campaign's report.

    Args:
        view: The campaign.
        path: The HTML file; its folder is made if there is none.
        made_time: When the report is made.

    Raises:
        AthanorError: The file cannot be written.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(report_html(view, made_time=made_time), encoding="utf-8")
    except OSError as error:
        raise AthanorError(f"{target}: the report cannot be written: {error.strerror}") from error
    return target


def report_html(view: CampaignView, *, made_time: datetime) -> str:
    """Return a campaign's report as one HTML document.

    Args:
        view: The campaign.
        made_time: When the report is made.
    """
    from plotly.offline import get_plotlyjs

    plots, sections = _figures(view)
    body = [
        heading(view, made_time),
        banners(view),
        summary_tiles(view),
        *sections,
        experiments_table(view),
        skipped_jobs(view),
        details(view),
    ]
    pairs = [figure for _, figure in front_figures(view)]
    payload = {"plots": plots, "pairs": pairs, **_ternary_choices(view)}
    template = files("orchestrator.service").joinpath("report_template.html").read_text("utf-8")
    parts = {
        "title": escape(f"{view.name} – report"),
        "body": "\n".join(body),
        "figures": _json_for_html(payload),
        "plotly": get_plotlyjs(),
    }
    document = []
    for piece in template.split("[["):
        name, mark, rest = piece.partition("]]")
        document.append(parts[name] + rest if mark and name in parts else piece)
    return "".join(document)


def _figures(view: CampaignView) -> tuple[dict[str, Figure], list[str]]:
    """Return the figures by the id of their box, and the sections that hold the boxes."""
    if not view.experiments:
        return {}, [_section("Experiments", "None was started yet.", "")]
    plots: dict[str, Figure] = {}
    sections: list[str] = []
    has_values = any(
        objective_value(experiment, objective.name) is not None
        for experiment in view.experiments
        for objective in view.objectives
    )
    if has_values:
        sections.append(_results_row(view, plots))
        sections.append(_best_row(view, plots))
        if len(view.components) >= 3:
            plots["ternary"] = ternary_figure(view, view.objectives[0])
            text = (
                "Each mark is an experiment as it was made; its place shows the proportions of "
                "three components among themselves, its size how much of the sample they are."
            )
            sections.append(_section("Composition", text, _ternary_form(view) + _box("ternary")))
        plots["parallel"] = parallel_figure(view)
        text = "One line for each experiment; every axis runs from its lowest to its highest value."
        sections.append(_section("Inputs and objectives", text, _box("parallel")))
    plots["timeline"] = timeline_figure(view)
    clock = "virtual hours" if view.is_simulated else "hours"
    text = f"What each instrument did, in {clock}."
    sections.append(_section("Timeline of jobs", text, _box("timeline")))
    return plots, sections


def _results_row(view: CampaignView, plots: dict[str, Figure]) -> str:
    left = ""
    pairs = front_figures(view)
    if pairs:
        plots["front"] = pairs[0][1]
        left = _section(
            "Pareto front",
            "No experiment is better than these in every objective at once.",
            _pair_form([title for title, _ in pairs]) + _box("front"),
        )
    if not view.hypervolume_series:
        return left
    plots["hypervolume"] = hypervolume_figure(view)
    reference = ", ".join(
        f"{label_from_name(name)} {value:.4g}"
        for name, value in (view.reference_point or {}).items()
    )
    right = _section(
        "Hypervolume",
        f"Against the reference point {escape(reference)}."
        + ("" if view.is_hypervolume_exact else " An approximation, right to about 2 %."),
        _box("hypervolume"),
    )
    return f'<div class="pair">{left}{right}</div>' if left else right


def _best_row(view: CampaignView, plots: dict[str, Figure]) -> str:
    boxes = []
    for i, objective in enumerate(view.objectives):
        plots[f"best-{i}"] = best_figure(view, objective)
        title = escape(label_from_name(objective.name))
        boxes.append(_section(f"Best so far: {title}", "", _box(f"best-{i}")))
    return f'<div class="pair" style="margin: 14px 0">{"".join(boxes)}</div>'


def _section(title: str, text: str, inner: str) -> str:
    said = f'<p class="soft">{text}</p>' if text else ""
    return f"<section><h2>{title}</h2>{said}{inner}</section>"


def _box(name: str) -> str:
    return f'<div class="figure" id="{name}"></div>'


def _pair_form(titles: list[str]) -> str:
    if len(titles) < 2:
        return ""
    options = "".join(f'<option value="{i}">{escape(t)}</option>' for i, t in enumerate(titles))
    return f'<label>objectives <select id="pair">{options}</select></label>'


def _ternary_form(view: CampaignView) -> str:
    chosen = chosen_components(view)
    fields = [
        _select(f"corner-{letter}", f"corner {place}", view.components, name)
        for letter, place, name in zip("abc", ("top", "left", "right"), chosen, strict=True)
    ]
    names = tuple(objective.name for objective in view.objectives)
    return "".join([*fields, _select("ternary-colour", "colour", names, names[0])])


def _select(name: str, label: str, values: tuple[str, ...], chosen: str) -> str:
    options = "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>'
        f"{escape(label_from_name(value))}</option>"
        for value in values
    )
    return f'<label>{label} <select id="{name}" data-ternary>{options}</select></label>'


def _ternary_choices(view: CampaignView) -> dict[str, object]:
    first = view.objectives[0].name
    seen = [e for e in view.experiments if objective_value(e, first) is not None]
    return {
        "fractions": {
            name: [(experiment.made or experiment.asked).get(name, 0.0) for experiment in seen]
            for name in view.components
        },
        "objectives": {
            objective.name: {
                "label": judged_label(objective),
                "is_less_better": objective.is_less_better,
                "values": [judged_value(experiment, objective) for experiment in seen],
                "range": colour_range([judged_value(e, objective) for e in seen]),
            }
            for objective in view.objectives
        },
    }


def _json_for_html(payload: object) -> str:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(payload, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
