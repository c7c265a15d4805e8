"""Compares live views with what a whole fold of the same log shows."""

import pytest

from drivers.clock import SystemClock
from orchestrator.core.events import (
    ObservationAmended,
    ObservationRetracted,
)
from orchestrator.core.point import Observation
from orchestrator.log.memory_log import MemoryLog
from orchestrator.service.lab import Lab
from orchestrator.service.live import LiveLab
from orchestrator.service.views import CampaignSummary, CampaignView
from tests.support.recorded_campaign import CAMPAIGN_ID, RecordedCampaign

__all__ = ["assert_shows_the_whole", "correct", "live_on", "whole_on"]


def live_on(log: MemoryLog) -> LiveLab:
    return LiveLab(log, clock=SystemClock(), source="memory")


def whole_on(log: MemoryLog) -> CampaignView:
    return Lab(log, actor="ada", clock=SystemClock(), source="memory").campaign(CAMPAIGN_ID)


def summary_of(view: CampaignView) -> CampaignSummary:
    names = CampaignSummary.model_fields
    return CampaignSummary(**{name: getattr(view, name) for name in names})


def assert_shows_the_whole(live: LiveLab, log: MemoryLog) -> None:
    whole = whole_on(log)
    assert live.campaign(CAMPAIGN_ID) == summary_of(whole)
    page = live.experiments(CAMPAIGN_ID, order="number", limit=1000)
    assert page.items == whole.experiments
    assert live.hypervolume_series(CAMPAIGN_ID) == pytest.approx(whole.hypervolume_series)
    assert tuple(one.experiment_id for one in live.front(CAMPAIGN_ID).front) == whole.front
    jobs = live.jobs_between(CAMPAIGN_ID, from_h=0.0, until_h=1e6).jobs
    looked_up = {"expected_s": None}
    assert [job.model_copy(update=looked_up) for job in jobs] == [
        job.model_copy(update=looked_up) for job in whole.jobs
    ]


def correct(campaign: RecordedCampaign, name: str, *, takes_back: bool) -> None:
    if takes_back:
        campaign.append(ObservationRetracted(experiment_id=name, reason="wet"), minutes=1)
        return
    values = {"overpotential_v": 0.2, "adhesion_fraction": 0.7}
    made: dict[str, float | str] = {"Ni": 0.5, "Fe": 0.2, "Co": 0.3, "furnace_c": 300.0}
    observation = Observation(point=made, values=values, sds={})
    amended = ObservationAmended(
        experiment_id=name,
        observation=observation,
        computed={"cost_usd_per_mol": 15.4},
        reason="slipped",
    )
    campaign.append(amended, minutes=1)
