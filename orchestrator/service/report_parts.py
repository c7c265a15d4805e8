"""The written parts of a report: heading, banners, figures in words, table, particulars."""

from collections.abc import Mapping
from datetime import datetime
from html import escape

from orchestrator.service.labels import label_from_name, number_text
from orchestrator.service.views import CampaignView, ExperimentView, ObjectiveView

__all__ = [
    "banners",
    "details",
    "experiments_table",
    "heading",
    "skipped_jobs",
    "summary_tiles",
]


def heading(view: CampaignView, made_time: datetime) -> str:
    """Return the title, the description and when the report was made."""
    about = f"<p>{escape(view.description)}</p>" if view.description else ""
    return (
        f"<h1>{escape(view.name)}</h1>{about}"
        f'<p class="soft">Campaign {escape(view.campaign_id)}, {escape(view.state)}. '
        f"Report made {made_time:%Y-%m-%d %H:%M} UTC.</p>"
    )


def banners(view: CampaignView) -> str:
    """Return what must not be overlooked: that it is pretended, and what is in doubt."""
    parts = []
    if view.is_simulated:
        parts.append(
            '<div class="banner"><strong>Simulated.</strong> No instrument moved: bytes went to a '
            "pretended bench on a virtual clock. Times and money are those of the pretended "
            "bench.</div>"
        )
    for doubt in view.in_doubt:
        parts.append(
            f'<div class="banner doubt"><strong>In doubt:</strong> {escape(doubt.job_id)}, '
            f"{escape(doubt.action)} on {escape(doubt.instrument)}. {escape(doubt.evidence)}</div>"
        )
    return "\n".join(parts)


def summary_tiles(view: CampaignView) -> str:
    """Return the campaign in a few large numbers."""
    counts = view.counts
    tiles = [
        _tile(
            "experiments",
            str(counts.started),
            f"{counts.done} done, {counts.failed} failed, {counts.running} running, "
            f"{counts.in_doubt} in doubt",
        )
    ]
    tiles += [
        _tile(
            f"best {label_from_name(best.objective)}",
            number_text(best.value),
            f"{best.experiment_id}, {best.direction}"
            + (f", ± {number_text(best.sd, 2)}" if best.sd is not None else "")
            + ("" if best.deviation is None else f", {number_text(best.deviation)} off target"),
        )
        for best in view.best
    ]
    if view.best_trade_off is not None:
        best_one = view.best_trade_off
        name = "weighted sum" if best_one.trade_off == "weighted" else "desirability"
        tiles.append(_tile(f"best {name}", number_text(best_one.worth), best_one.experiment_id))
    tiles.append(_tile("on the front", str(len(view.front)), "experiments that none other beats"))
    note = "since the reference point" + ("" if view.is_hypervolume_exact else ", approximated")
    tiles.append(_tile("hypervolume", number_text(view.hypervolume), note))
    for limit, name in zip(view.limits[1:], ("hours", "money (USD)"), strict=True):
        left = "no limit" if limit.left is None else f"{number_text(limit.left)} left"
        clock = "virtual, " if view.is_simulated and limit.name == "hours" else ""
        tiles.append(_tile(name, f"{limit.used:,.1f}", clock + left))
    return f'<div class="tiles">{"".join(tiles)}</div>'


def _tile(name: str, value: str, note: str) -> str:
    return (
        f'<div class="tile"><div class="name">{escape(name)}</div>'
        f'<div class="value">{escape(value)}</div><div class="note">{escape(note)}</div></div>'
    )


def experiments_table(view: CampaignView) -> str:
    """Return all experiments as a table that sorts by any column."""
    inputs = (*view.components, *view.parameters)
    outputs = _output_names(view)
    headings = [
        _heading("experiment", is_text=True),
        _heading("state", is_text=True),
        *(_heading(label_from_name(name)) for name in inputs),
        *(_heading(label_from_name(name)) for name in outputs),
        *(_heading(text) for text in ("started (h)", "cost (USD)")),
        _heading("remark", is_text=True),
    ]
    rows = "".join(_row(view, experiment, inputs, outputs) for experiment in view.experiments)
    return (
        "<section><h2>Experiments</h2>"
        '<p class="soft">Inputs as made where they were weighed back, else as asked; experiments '
        "of the Pareto front carry a mark. Choose a heading to sort.</p>"
        f'<div class="scroll"><table><thead><tr>{"".join(headings)}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _output_names(view: CampaignView) -> tuple[str, ...]:
    names: dict[str, None] = {objective.name: None for objective in view.objectives}
    for experiment in view.experiments:
        names.update(dict.fromkeys(experiment.values))
        names.update(dict.fromkeys(experiment.computed))
    return tuple(names)


def _heading(text: str, *, is_text: bool = False) -> str:
    kind = ' class="text"' if is_text else ""
    return f'<th{kind}><button type="button">{escape(text)}</button></th>'


def _input_form(view: CampaignView, name: str) -> str:
    """Return how many digits an input deserves: a fraction as many as a balance gives."""
    return ".4f" if name in view.components else ""


def _row(
    view: CampaignView,
    experiment: ExperimentView,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> str:
    point = experiment.made or experiment.asked
    known = {**experiment.values, **experiment.computed}
    cells = [
        _text_cell(experiment.experiment_id),
        _text_cell(experiment.state.replace("_", " ")),
        *(_value_cell(point.get(name), form=_input_form(view, name)) for name in inputs),
        *(_value_cell(known.get(name), experiment.sds.get(name)) for name in outputs),
        _value_cell(experiment.started_h, form=".2f"),
        _value_cell(experiment.cost_usd, form=".2f"),
        _text_cell(experiment.remark, is_long=True),
    ]
    kind = "front" if experiment.is_on_front else experiment.state
    kind = kind if experiment.is_evidence else "apart"
    return f'<tr class="{escape(kind)}">{"".join(cells)}</tr>'


def _text_cell(text: str, *, is_long: bool = False) -> str:
    kind = "text long" if is_long else "text"
    return f'<td class="{kind}" data-key="{escape(text)}">{escape(text)}</td>'


def _value_cell(value: float | str | None, sd: float | None = None, *, form: str = "") -> str:
    if isinstance(value, str):
        return _text_cell(value)
    if value is None:
        return '<td data-key="">–</td>'
    title = f' title="± {sd:.3g}"' if sd is not None else ""
    text = f"{value:{form}}" if form and value else number_text(value)
    return f'<td data-key="{value!r}"{title}>{text}</td>'


def _objective_text(objective: ObjectiveView) -> str:
    text = f"{objective.direction} {objective.name}"
    if objective.target is None:
        return text
    return f"{text} = {objective.target:g} ± {objective.tolerance:g}"


def skipped_jobs(view: CampaignView) -> str:
    """Return the cleanings that were not necessary, each with the reason; nothing without any."""
    rows = "".join(
        f"<dt>{escape(job.experiment_id)}/{escape(job.name)}</dt><dd>{escape(job.note)}</dd>"
        for job in view.jobs
        if job.state == "skipped"
    )
    return f"<section><h2>Skipped jobs</h2><dl>{rows}</dl></section>" if rows else ""


def details(view: CampaignView) -> str:
    """Return the particulars that make the campaign traceable."""
    facts: Mapping[str, str] = {
        "Campaign": view.campaign_id,
        "State": " – ".join(text for text in (view.state, view.status_reason) if text),
        "Objectives": "; ".join(map(_objective_text, view.objectives)),
        "Specifications": "; ".join(view.outcomes) or "none",
        "Targets": "; ".join(f"{t.objective} {t.bound} {t.value:g}" for t in view.targets)
        or "none",
        "Planner": f"{view.planner}, seed {view.seed}",
        "Opened": f"{view.opened_time:%Y-%m-%d %H:%M:%S} UTC",
        "Last event": f"{view.last_time:%Y-%m-%d %H:%M:%S} UTC, {view.n_events} events",
        "Engine": f"{view.engine.state}, epoch {view.engine.epoch}",
        "Rig": view.rig_name,
        "Rig fingerprint": view.rig_sha256,
        "Last hash of the log": view.last_hash,
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    devices = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(identity)}</dd>"
        for name, identity in view.instruments.items()
    )
    return (
        f"<section><h2>Particulars</h2><dl>{rows}</dl></section>"
        f"<section><h2>Instruments</h2><dl>{devices}</dl></section>"
    )
