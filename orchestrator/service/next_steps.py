"""What somebody has to type next when a campaign waits for a person."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from orchestrator.core.events import LAB_STREAM, StationAttached
from orchestrator.service.lab import Lab
from orchestrator.service.laboratory_view import LaboratoryView
from orchestrator.service.views import CampaignView, EngineState

__all__ = ["next_steps", "steps_now"]

_END_IS_ASKED: Final = ("stopping", "aborting")


def steps_now(
    lab: Lab, view: CampaignView, laboratory: LaboratoryView, *, database: Path
) -> tuple[str, ...]:
    """Return what to do about a campaign that does not go on by itself; nothing where it does.

    Args:
        lab: Whose log says whether it was a dry-run.
        view: The campaign.
        laboratory: The laboratory that it works in.
        database: The log.
    """
    if view.engine.state is EngineState.ALIVE:
        waits = view.status in ("paused", "held")
        return next_steps(view, laboratory, database=database) if waits else ()
    again = ["athanor", "run", "CAMPAIGN", "--rig", "RIG"]
    if view.is_simulated and not _had_station(lab):
        again.append("--dry-run")
    again += ["--database", str(database), "--resume", "--campaign-id", view.campaign_id]
    return next_steps(view, laboratory, database=database, again=again)


def _had_station(lab: Lab) -> bool:
    records = lab.records(LAB_STREAM)
    return any(isinstance(record.event, StationAttached) for record in records)


def next_steps(
    view: CampaignView, laboratory: LaboratoryView, *, database: Path, again: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return what to do, in order, each with its command; nothing for a campaign that has ended.

    Args:
        view: The campaign.
        laboratory: The laboratory that it works in.
        database: The log.
        again: Command line that starts an engine again; empty while one is there.
    """
    if view.has_ended:
        return ()
    steps = [*_about_laboratory(laboratory, database), *_about_doubts(view, database)]
    if again:
        steps.append(f"then go on: {shlex.join(again)}")
    else:
        steps.append(f"then go on: {_command(database, 'resume', view.campaign_id)}")
    if view.status not in _END_IS_ASKED:
        end = _command(database, "stop", view.campaign_id)
        steps.append(f"or end it: {end}" + (f" && {shlex.join(again)}" if again else ""))
    return tuple(steps)


def _about_laboratory(laboratory: LaboratoryView, database: Path) -> list[str]:
    steps = []
    if laboratory.latch:
        command = _command(database, "latch", "clear", "--by", "NAME", "--reason", "WHY")
        steps.append(f"the stop latch is set ({laboratory.latch}): {command}")
    for name, reason in laboratory.tripped.items():
        steps.append(f"interlock {name} tripped ({reason}): put that right; it releases by itself")
    for one in laboratory.lost:
        if one.status == "out":
            command = _command(database, "instruments", "back", one.name)
            steps.append(f"{one.name} is out of service ({one.reason}): {command}")
    lost = [one.name for one in laboratory.lost if one.status == "lost"]
    if lost:
        steps.append(f"no answer from {', '.join(lost)}: look at cable and power, then go on")
    if laboratory.unclean:
        places = [one.place for one in laboratory.unclean]
        command = _command(database, "places", "clean", *places, "--reason", "HOW")
        steps.append(f"clean {', '.join(places)}: {command}")
    return steps


def _about_doubts(view: CampaignView, database: Path) -> list[str]:
    waiting = [doubt.job_id for doubt in view.in_doubt if doubt.needs_person]
    if not waiting:
        return []
    shown = _command(database, "doubt", "list", "--campaign", view.campaign_id)
    answers = "ran|did_not_run|scrap_sample"
    command = _command(database, "doubt", "answer", waiting[0])
    return [
        f"in doubt: {', '.join(waiting)}: look at the bench and at what is known: {shown}",
        f"say what became of each: {command} {answers} --reason WHAT_YOU_SAW",
    ]


def _command(database: Path, *words: str) -> str:
    return shlex.join(["athanor", *words, "--database", str(database)])
