"""Starting campaigns for people: their files, what they will take, dry-runs, and engines.

Whatever works here is a process of its own, in its own session: the death of a server touches none.
"""

from orchestrator.service.launching.desk import LaunchDesk
from orchestrator.service.launching.launcher import Launcher
from orchestrator.service.launching.rigs import RigOffer
from orchestrator.service.launching.views import (
    BenchOutlook,
    CampaignCheck,
    CampaignOutlook,
    CampaignText,
    DryRunView,
    KeptCampaign,
    RigView,
    Started,
    StartedFrom,
    StartWanted,
    StockOutlook,
)

__all__ = [
    "BenchOutlook",
    "CampaignCheck",
    "CampaignOutlook",
    "CampaignText",
    "DryRunView",
    "KeptCampaign",
    "LaunchDesk",
    "Launcher",
    "RigOffer",
    "RigView",
    "StartWanted",
    "Started",
    "StartedFrom",
    "StockOutlook",
]
