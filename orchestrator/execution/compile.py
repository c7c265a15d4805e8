"""From a recipe and a point to jobs with everything bound; judged once, when the files are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from campaigns.errors import Problem, UndefinedValue
from campaigns.expression import Expression
from campaigns.recipe import Recipe, RecipeJob
from campaigns.spec import CampaignSpec
from drivers.errors import LimitError
from drivers.instrument import Action, Instrument, Value
from orchestrator.core.events import PlannedJob
from orchestrator.core.point import Point
from orchestrator.core.stock import PER_UNIT, millionths_of, needs_of
from orchestrator.errors import RecipeError
from orchestrator.execution.bindings import bound_value, exact_point
from orchestrator.execution.compile_checks import problems_of
from orchestrator.execution.forbidden_pairs import Meeting, meeting_of
from orchestrator.execution.limits import limited
from orchestrator.execution.rig_spec import RigSpec
from orchestrator.execution.stock_amounts import per_unit

__all__ = ["CompiledRecipe"]


@dataclass(frozen=True, slots=True)
class CompiledRecipe:
    """A recipe that fits its rig.

    Build it with `of`, which refuses one that does not.
    """

    campaign: CampaignSpec
    rig: RigSpec
    recipe: Recipe
    drivers: Mapping[str, type[Instrument]]
    """By instrument name."""

    @classmethod
    def of(
        cls,
        campaign: CampaignSpec,
        rig: RigSpec,
        drivers: Mapping[str, type[Instrument]],
        *,
        file: str | None = None,
    ) -> Self:
        """Judge the recipe against the rig.

        Args:
            campaign: With a recipe.
            rig: Whose instruments it names.
            drivers: By instrument name.
            file: What error messages call the campaign file; its name if None.

        Raises:
            RecipeError: With every mistake: instruments, actions, arguments, units and positions
                that do not exist or do not match, values that a point could take beyond an
                argument's limits, analyses that are unknown, refuse their settings or leave a
                measured name without a value.
        """
        named = file if file is not None else f"campaign {campaign.header.name}"
        recipe = campaign.recipe
        if recipe is None:
            expected = "the jobs that make and measure a sample"
            raise RecipeError(named, [Problem("recipe", None, expected)])
        problems = problems_of(campaign, recipe, rig, drivers)
        if problems:
            raise RecipeError(named, problems)
        return cls(campaign, rig, recipe, drivers)

    def jobs_for(self, point: Point, experiment_id: str) -> tuple[PlannedJob, ...]:
        """Return the jobs of one experiment, in the recipe's order.

        An argument beyond its limits, which a binding that is not linear can give, stays as it
        is: the executor refuses that job before anything is sent.

        Args:
            point: A value for every component and parameter.
            experiment_id: Begins the ids of the jobs.

        Raises:
            RecipeError: An expression of the recipe has no value at this point.
        """
        try:
            exact = self._exact(point)
            kept = self.recipe.jobs_at(self.campaign.space.components, exact)
            return tuple(self._planned(job, exact, experiment_id) for job in kept)
        except UndefinedValue as error:
            raise self._undefined(error) from error

    def meeting_at(self, point: Point) -> Meeting | None:
        """Return two stocks that must never meet and would at a point; None if none would.

        Args:
            point: A value for every component and parameter.

        Raises:
            RecipeError: An expression of the recipe has no value at this point.
        """
        return meeting_of(self.jobs_for(point, "meeting"), self.rig)

    def cost_usd(self, point: Point) -> float:
        """Return what an experiment costs: what the recipe says and the stock that it uses.

        Args:
            point: A value for every component and parameter.

        Raises:
            RecipeError: The recipe's expression has no value at this point.
        """
        try:
            exact = self._exact(point)
            cost_usd = bound_value(self.recipe.cost_usd_per_experiment, exact)
        except UndefinedValue as error:
            raise self._undefined(error) from error
        stock_usd = sum(
            amount * self.rig.stock[name].cost_usd_per_unit
            for name, amount in self.stock_use(point).items()
        )
        return max(0.0, float(cost_usd)) + stock_usd

    def expected_s(self, point: Point) -> float:
        """Return how long an experiment takes that has the bench to itself, in seconds.

        Args:
            point: A value for every component and parameter.
        """
        ended_s: dict[str, float] = {}
        for job in self.jobs_for(point, "estimate"):
            begun_s = max((ended_s[name] for name in job.after), default=0.0)
            ended_s[job.name] = begun_s + job.expected_s
        return max(ended_s.values(), default=0.0)

    def spacing_s(self, point: Point) -> float:
        """Return by how much one more such experiment makes the whole longer, in seconds.

        That is how long it takes the busiest place, or its own time shared by as many as are in
        flight, whichever is more.

        Args:
            point: A value for every component and parameter.
        """
        slots, capacities = self.rig.slots, self.rig.capacities
        used_s: dict[str, float] = {}
        for job in self.jobs_for(point, "estimate"):
            shared = capacities.get(job.instrument, 1)
            used_s[job.instrument] = used_s.get(job.instrument, 0.0) + job.expected_s / shared
            for place in job.positions:
                used_s[place] = used_s.get(place, 0.0) + job.expected_s / slots.get(place, 1)
        busiest_s = max(used_s.values(), default=0.0)
        return max(busiest_s, self.expected_s(point) / self.recipe.in_flight)

    def stock_use(self, point: Point) -> dict[str, float]:
        """Return how much of each stock an experiment uses, in millilitres or grams.

        Args:
            point: A value for every component and parameter.
        """
        needs = needs_of(self.jobs_for(point, "estimate"))
        return {stock: amount / PER_UNIT for stock, amount in needs.items()}

    def stock_drawn_by(self, instrument: str, action: str) -> str | None:
        """Return the stock that an action uses up, or None.

        What leaves a syringe that draws from a stock is used; filling the syringe uses nothing.

        Args:
            instrument: Its name in the rig.
            action: One of its driver's.
        """
        source = self.rig.instruments[instrument].draws_from
        return source if source in self.rig.stock and action != "withdraw" else None

    def _exact(self, point: Point) -> dict[str, Fraction | str]:
        """Return the point's values and those of the computed names that the recipe uses."""
        exact = exact_point(point)
        used = set(self.recipe.cost_usd_per_experiment.names)
        for job in self.recipe.jobs_for(self.campaign.space.components):
            used |= job.when.names if job.when is not None else set()
            for binding in job.arguments.values():
                used |= binding.names if isinstance(binding, Expression) else set()
        for name in sorted(used & self.campaign.definitions.keys()):
            exact[name] = Fraction(self.campaign.definitions[name].evaluate(exact))
        return exact

    def _planned(
        self, job: RecipeJob, exact: Mapping[str, Fraction | str], experiment_id: str
    ) -> PlannedJob:
        limits = self.rig.instruments[job.instrument].limits
        action = limited(self.drivers[job.instrument].actions[job.action], limits)
        asked = {name: bound_value(binding, exact) for name, binding in job.arguments.items()}
        arguments, expected_s = _checked(action, job.instrument, asked)
        return PlannedJob(
            job_id=f"{experiment_id}/{job.name}",
            name=job.name,
            instrument=job.instrument,
            action=job.action,
            arguments=arguments,
            after=job.after,
            positions=job.positions,
            recovery=action.recovery.value,
            is_cleanup=job.is_cleanup,
            on_failure=job.on_failure,
            max_attempts=job.max_attempts,
            failure_means=job.failure_means,
            expected_s=expected_s,
            max_wait_s=None if job.max_wait_s is None else float(job.max_wait_s),
            draws=self._draws(job.instrument, job.action, arguments),
            cleans=job.cleans,
        )

    def _draws(self, instrument: str, action: str, values: Mapping[str, Value]) -> dict[str, int]:
        """Return what an action takes of its stock, in millionths; nothing if it takes nothing."""
        stock = self.stock_drawn_by(instrument, action)
        if stock is None:
            return {}
        amount = 0.0
        for name, value in values.items():
            factor = per_unit(name, self.rig.stock[stock].unit)
            if factor is not None and isinstance(value, float | int):
                amount += max(0.0, value * factor)
        return {stock: millionths_of(amount, is_least=True)} if amount else {}

    def _undefined(self, error: UndefinedValue) -> RecipeError:
        expected = "expressions that have a value at every feasible point"
        return RecipeError(
            f"campaign {self.campaign.header.name}", [Problem("recipe", str(error), expected)]
        )


def _checked(
    action: Action, instrument: str, asked: Mapping[str, float | str]
) -> tuple[dict[str, Value], float]:
    """Return the arguments in their types and how long the action takes, in seconds."""
    try:
        arguments = action.checked(instrument, asked)
    except LimitError:
        return dict(asked), 0.0
    return arguments, action.duration_s(**arguments)
