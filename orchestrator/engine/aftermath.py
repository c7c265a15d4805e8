"""What an engine says of what ended badly: places left unclean, instruments that are not safe."""

from collections.abc import Mapping

from orchestrator.core.events import ExperimentFailed, InstrumentLost, PlacesLeftUnclean
from orchestrator.core.experiment import ExperimentState
from orchestrator.engine.habits import EngineHabits
from orchestrator.engine.journal import Journal
from orchestrator.execution.executor import Executor

__all__ = ["Aftermath"]


class Aftermath:
    """Writes down what experiments and interruptions leave behind.

    Args:
        journal: The campaign's stream and the laboratory's.
        executor: Makes instruments safe.
        habits: Whether the laboratory's facts are this engine's to write.
    """

    def __init__(self, journal: Journal, executor: Executor, habits: EngineHabits) -> None:
        self._journal = journal
        self._executor = executor
        self._habits = habits

    def say_unclean(self, experiment: ExperimentState) -> None:
        """Write down what an experiment leaves unclean, before it is written that it failed.

        After a crash between the two it is said again, unless it stands there already.

        Raises:
            LogError: The log cannot be written.
        """
        campaign_id, experiment_id = self._journal.state.campaign_id, experiment.experiment_id
        unclean = self._journal.lab.unclean
        owner = f"{campaign_id}/{experiment_id}"
        soiled = sorted(experiment.places_soiled())
        left = [place for place in soiled if unclean.get(place) != owner]
        if left:
            fact = PlacesLeftUnclean(
                places=tuple(left), campaign_id=campaign_id, experiment_id=experiment_id
            )
            self._journal.record_in_lab([fact])

    async def make_safe(self) -> None:
        """Bring every instrument to its safe state, and say which cannot be.

        Raises:
            LogError: The log cannot be written.
        """
        self.say_lost(await self._executor.make_safe())

    def say_lost(self, failures: Mapping[str, str]) -> None:
        """Write down which instruments could not be made safe; a station does so itself.

        Args:
            failures: By instrument, why not; empty for one that is safe.

        Raises:
            LogError: The log cannot be written.
        """
        if not self._habits.keeps_lab:
            return
        lost = [
            InstrumentLost(instrument=name, reason=f"not made safe: {error}")
            for name, error in failures.items()
            if error
        ]
        if lost:
            self._journal.record_in_lab(lost)

    def interruptions(self, reason: str) -> list[ExperimentFailed]:
        """Return how every open experiment ends that is cut off; what it leaves is written down.

        Args:
            reason: Why.

        Raises:
            LogError: The log cannot be written.
        """
        experiments = self._journal.state.open_experiments
        for experiment in experiments.values():
            self.say_unclean(experiment)
        return [
            ExperimentFailed(experiment_id=experiment_id, cause="interrupted", reason=reason)
            for experiment_id in experiments
        ]
