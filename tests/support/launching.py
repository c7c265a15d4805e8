"""A small campaign and rig for whatever starts campaigns."""

from pathlib import Path

from orchestrator.log.kept_acts import ActKey
from orchestrator.service.lab import Lab
from orchestrator.service.launching import CampaignText, LaunchDesk, RigOffer
from orchestrator.settings import Settings
from tests.support.source_tree import ROOT

LIBRARY = ROOT / "campaigns/library/oer"


def campaign_text(n_experiments: int = 2, more: str = "") -> str:
    """Return the OER campaign with a planner that thinks nothing."""
    text = (LIBRARY / "oer_plate.toml").read_text(encoding="utf-8")
    text = text.replace("max_experiments = 100", f"max_experiments = {n_experiments}")
    return text.replace('name = "botorch"', 'name = "sobol"') + more


def campaign_source(n_experiments: int = 2, more: str = "") -> CampaignText:
    """Return it as somebody gives it."""
    return CampaignText(file_name="oer_plate.toml", text=campaign_text(n_experiments, more))


def rig_in(folder: Path) -> Path:
    """Write the OER rig to a folder."""
    path = folder / "oer_rig.toml"
    path.write_text((LIBRARY / "oer_rig.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def settings_in(folder: Path) -> Settings:
    """Make a log and return the settings that name it."""
    settings = Settings(database=folder / "lab.db", actor="server")
    Lab.make(settings)
    return settings


def desk_in(folder: Path) -> LaunchDesk:
    """Open a launcher of a log without campaigns."""
    return LaunchDesk.open(settings_in(folder), [RigOffer(rig_in(folder))])


def act_key(key: str = "key-0001", request: str = "f" * 64) -> ActKey:
    """Return the key of an act of a person."""
    return ActKey(key=key, actor="ada", request=request)
