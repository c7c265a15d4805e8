"""The views of a web process: one log, folded once, and moved on by what comes.

Pages of a campaign of ten thousand experiments cost milliseconds: nothing of ended experiments is
folded, and fronts, volumes and orders are kept until an observation changes them.
"""

from typing import Final

from orchestrator.core.campaign import CampaignState
from orchestrator.log.event_log import last_hash
from orchestrator.service.campaign_view import campaign_summary
from orchestrator.service.decisions import shown_now
from orchestrator.service.engine_views import engine_of
from orchestrator.service.live_campaign import LiveCampaign
from orchestrator.service.live_log import LiveLog
from orchestrator.service.live_selection import (
    experiment_page,
    front_view,
    jobs_view,
    plotted_experiments,
)
from orchestrator.service.live_views import (
    ExperimentDetail,
    ExperimentPage,
    FrontView,
    JobsView,
    SpecFilter,
)
from orchestrator.service.views import (
    CampaignSummary,
    CampaignView,
    HypervolumeView,
)

__all__ = ["LiveLab"]

_EVERYTHING: Final = SpecFilter()


class LiveLab(LiveLog):
    """One log for the many pages of one process; looks only, from any thread.

    Every view is current: it holds all that stood in the log when it was asked for.

    Args:
        log: Whose records are shown; closed with this.
        clock: The wall clock.
        source: What the log is called in messages.
    """

    def campaign(self, campaign_id: str | None = None) -> CampaignSummary:
        """Return what is shown of one campaign at a glance.

        Args:
            campaign_id: Which; None is the only unfinished one, or else the one last written to.

        Raises:
            RequestRefused: There is no such campaign.
        """
        with self._watched(campaign_id) as live:
            return self._summary(live)

    def state(self, campaign_id: str | None = None) -> CampaignState:
        """Return where a campaign stands: its file, its queue, what runs; nothing of what ended.

        Raises:
            RequestRefused: There is no such campaign.
        """
        with self._watched(campaign_id) as live:
            return live.state

    def experiments(
        self,
        campaign_id: str | None = None,
        *,
        after: str | None = None,
        limit: int = 50,
        order: str = "-number",
        state: str = "",
        text: str = "",
    ) -> ExperimentPage:
        """Return some rows of the table of experiments.

        Args:
            campaign_id: As for `campaign`.
            after: The experiment that ended the page before; it may have left the filter.
            limit: At most so many, 1 to 1,000.
            order: ``number``, ``started_h``, ``ended_h``, ``cost_usd``, ``state``, or the name of a
                component, parameter, objective or outcome; ``-`` before it turns it round.
            state: A state, ``front``, ``counting``, ``reference`` or ``retracted``; empty for all.
            text: Words that must all occur in what is said of an experiment.

        Raises:
            RequestRefused: There is no such campaign, experiment, order or state.
        """
        with self._watched(campaign_id) as live:
            return experiment_page(
                live, after=after, limit=limit, order=order, state=state, text=text
            )

    def experiment(self, experiment_id: str, campaign_id: str | None = None) -> ExperimentDetail:
        """Return one experiment with all of its jobs.

        Raises:
            RequestRefused: There is no such campaign or experiment.
        """
        with self._watched(campaign_id) as live:
            row = live.row(experiment_id)
            front = frozenset(live.learnt().front)
            return ExperimentDetail(experiment=live.rows.view(row, front), jobs=live.jobs(row))

    def front(
        self, campaign_id: str | None = None, spec_filter: SpecFilter = _EVERYTHING
    ) -> FrontView:
        """Return the Pareto front of what a filter lets through.

        Args:
            campaign_id: As for `campaign`.
            spec_filter: Which observations count.

        Raises:
            RequestRefused: There is no such campaign, or nothing of a bound's name in it.
        """
        with self._watched(campaign_id) as live:
            return front_view(live, spec_filter)

    def hypervolume_series(self, campaign_id: str | None = None) -> tuple[HypervolumeView, ...]:
        """Return the hypervolume after at most 2,001 of the observations, the last one included.

        Raises:
            RequestRefused: There is no such campaign.
        """
        with self._watched(campaign_id) as live:
            return live.hypervolume_series()

    def jobs_between(
        self,
        campaign_id: str | None = None,
        *,
        from_h: float,
        until_h: float,
        limit: int = 5000,
    ) -> JobsView:
        """Return the jobs of a stretch of time, with those that are planned if it reaches to now.

        Args:
            campaign_id: As for `campaign`.
            from_h: Hours since the opening.
            until_h: Not before `from_h`.
            limit: At most so many, 1 to 20,000; those of the latest experiments.

        Raises:
            RequestRefused: There is no such campaign, or no such stretch.
        """
        with self._watched(campaign_id) as live:
            now = shown_now(live.state, self._clock)
            return jobs_view(live, from_h, until_h, now=now, limit=limit)

    def for_plots(self, campaign_id: str | None = None, *, most: int = 2000) -> CampaignView:
        """Return a campaign as the plots of the service take it, with some of its experiments.

        The front is whole; of the others the newest and some evenly chosen ones are there. There
        are no jobs.

        Args:
            campaign_id: As for `campaign`.
            most: Experiments at most, if the front has no more.

        Raises:
            RequestRefused: There is no such campaign.
        """
        with self._watched(campaign_id) as live:
            return CampaignView(
                **dict(self._summary(live)),
                hypervolume_series=live.hypervolume_series(),
                experiments=plotted_experiments(live, most),
                jobs=(),
            )

    def _summary(self, live: LiveCampaign) -> CampaignSummary:
        with self._lock:
            laboratory = self._lab.laboratory()
        return campaign_summary(
            live.state,
            live.learnt(),
            engine=engine_of(live.state, self._log.heartbeats(), self._clock.now()),
            now=shown_now(live.state, self._clock),
            last_hash=last_hash(self._log),
            laboratory=laboratory,
        )
