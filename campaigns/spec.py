"""A whole campaign, frozen: what to search, what for, how a sample is made, when to stop."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from campaigns.approval import Approval
from campaigns.batch_rules import BatchRules, batch_problems
from campaigns.consistency import Draft, entry_key, goal_problems, one_of, problems_between
from campaigns.definitions import resolved
from campaigns.errors import Problem
from campaigns.expression import Condition, Expression, parse_condition
from campaigns.failures import Failures
from campaigns.fields import (
    ConditionField,
    ExpressionField,
    Label,
    Mistake,
    Mistakes,
    NameField,
    Natural,
    Section,
    is_name,
    not_empty,
)
from campaigns.membership import problems_of_point
from campaigns.objectives import Objective, Outcome, TradeOff
from campaigns.point_list import point_list_problems
from campaigns.precedence import PriorityField, ShareField
from campaigns.recipe import Recipe, SettingsField
from campaigns.reference import Reference
from campaigns.run_windows import RunWindows
from campaigns.space import Space
from campaigns.stopping import Stopping

__all__ = ["CampaignSpec", "Constraint", "Header", "PlannerChoice", "is_planner_name"]


def is_planner_name(text: str) -> bool:
    """Say whether a text may name a planner or a campaign."""
    return is_name("x" + text.replace("-", "_"))


def _campaign_name(value: object) -> str:
    if not isinstance(value, str) or not is_planner_name(value):
        raise Mistake(value, "a name of letters, digits, - and _")
    return value


class Header(Section):
    """What the campaign is called."""

    name: Annotated[str, PlainValidator(_campaign_name)]
    description: Label = ""
    trade_off: TradeOff = "front"
    """What is sought with several objectives: the front between them, or one best trade-off."""
    priority: PriorityField | None = None
    """Where several campaigns share a rig, the higher goes first; 0 if none is given."""
    share: ShareField | None = None
    """Its part of the instrument-hours among campaigns of equal priority; 1 if none is given."""


class Constraint(Section):
    """A condition on the inputs that no proposed point may break."""

    expression: ConditionField
    name: Label = ""


class PlannerChoice(Section):
    """Who proposes, and how much at a time."""

    name: Annotated[str, PlainValidator(_campaign_name)] = "botorch"
    """Of the entry-point group ``athanor.planners``."""
    n_initial: Natural = 8
    """Experiments of the initial design; observations at hand count."""
    batch: Natural = 1
    """Candidates proposed at once, at most: as many as can start; all of them where people approve
    candidates or [batch] rules hold."""
    design: Literal["spread", "maximin", "d_optimal"] = "spread"
    """How points are chosen while there is no model: spread over the set, as far from each other
    as can be, or so that a quadratic mixture model is known best."""
    settings: SettingsField = Field(default_factory=dict)
    """The planner's own; it checks them."""


class CampaignSpec(Section):
    """One campaign file, checked. Field names differ from the file's keys where a list is meant.

    Example:
        >>> spec = CampaignSpec.model_validate(
        ...     {
        ...         "campaign": {"name": "demo"},
        ...         "space": {"composition": {"elements": ["Al", "Cu"], "step": 0.1}},
        ...         "computed": {"cost": "2*Al + 9*Cu"},
        ...         "constraint": [{"expression": "cost <= 5"}],
        ...         "objective": [{"name": "strength_mpa", "direction": "maximise"}],
        ...     }
        ... )
        >>> spec.measured_names, spec.computed_values({"Al": 0.5, "Cu": 0.5})
        (('strength_mpa',), {'cost': 5.5})
        >>> CampaignSpec.from_canonical_text(spec.canonical_text()) == spec
        True
    """

    header: Header = Field(alias="campaign")
    space: Space
    constraints: tuple[Constraint, ...] = Field(default=(), alias="constraint")
    computed: dict[NameField, ExpressionField] = Field(default_factory=dict)
    objectives: Annotated[tuple[Objective, ...], AfterValidator(not_empty)] = Field(
        alias="objective"
    )
    outcomes: tuple[Outcome, ...] = Field(default=(), alias="outcome")
    recipe: Recipe | None = None
    stopping: Stopping = Stopping()
    planner: PlannerChoice = PlannerChoice()
    approval: Approval = Approval()
    failures: Failures = Failures()
    reference: Reference | None = None
    batch: BatchRules | None = None
    run_windows: RunWindows | None = None

    @model_validator(mode="after")
    def _check(self) -> "CampaignSpec":
        components = self.space.components
        named = self.space.categories.items()
        categories = {name: values for name, values in named if name not in components}
        problems = problems_between(
            Draft(
                components=components,
                parameters={i: one.name for i, one in enumerate(self.space.parameters)},
                categories=categories,
                numbers=frozenset(self.space.names) - categories.keys(),
                conditions={i: (c.name, c.expression) for i, c in enumerate(self.constraints)},
                computed=self.computed,
                objectives={i: one.name for i, one in enumerate(self.objectives)},
                outcomes={i: one.name for i, one in enumerate(self.outcomes)},
                jobs=dict(enumerate(self.recipe.jobs if self.recipe else ())),
                cost=self.recipe.cost_usd_per_experiment if self.recipe else None,
                hours=self.recipe.hours_per_experiment if self.recipe else None,
                targets={i: one.objective for i, one in enumerate(self.stopping.targets)},
            )
        )
        trade_off, targets = self.header.trade_off, self.stopping.targets
        unlisted = list(point_list_problems(self.space))
        problems = problems or [
            *unlisted,
            *self._approval_problems(),
            *(() if unlisted else self._reference_problems()),
            *(batch_problems(self.space, self.batch) if self.batch else ()),
            *goal_problems(self.objectives, trade_off, targets),
        ]
        if problems:
            raise Mistakes(problems)
        return self

    def _approval_problems(self) -> Iterator[Problem]:
        if self.approval.gate != "off" and self.recipe is None:
            expected = "off, or a [recipe]: without one nothing is made that could wait"
            yield Problem("approval.gate", self.approval.gate, expected)

    def _reference_problems(self) -> Iterator[Problem]:
        if self.reference is None:
            return
        if self.recipe is None:
            yield Problem("reference", None, "a [recipe] that makes reference samples")
        for problem in problems_of_point(self.space, self.conditions, self.reference.point):
            yield Problem(f"reference.point.{problem.key}", problem.got, problem.expected)
        seen: set[str] = set()
        for index, one in enumerate(self.reference.expected):
            key = entry_key("reference.expected", index, one.name) + ".name"
            if one.name not in self.measured_names:
                yield Problem(key, one.name, one_of(self.measured_names, one.name))
            elif one.name in seen:
                yield Problem(key, one.name, "a name that is not yet in the list")
            seen.add(one.name)

    @property
    def is_traded(self) -> bool:
        """Whether one best trade-off between the objectives is sought, not their front."""
        return self.header.trade_off != "front"

    @property
    def measured_names(self) -> tuple[str, ...]:
        """Measured objectives, then measured outcomes: what an observation may hold."""
        named: tuple[Objective | Outcome, ...] = (*self.objectives, *self.outcomes)
        return tuple(one.name for one in named if one.name not in self.computed)

    @property
    def measured_objectives(self) -> tuple[Objective, ...]:
        """Objectives that instruments must measure."""
        return tuple(one for one in self.objectives if one.name not in self.computed)

    @property
    def measured_outcomes(self) -> tuple[Outcome, ...]:
        """Specifications on what instruments must measure."""
        return tuple(one for one in self.outcomes if one.name not in self.computed)

    @cached_property
    def definitions(self) -> Mapping[str, Expression]:
        """Every computed quantity over components and parameters alone."""
        return resolved(self.computed)

    def computed_expression(self, name: str) -> Expression:
        """Return a computed quantity over components and parameters alone.

        Raises:
            KeyError: Nothing of that name is computed.
        """
        return self.definitions[name]

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """What every proposed point satisfies, over components and parameters alone.

        The constraints, the specifications of computed outcomes, the thresholds of computed
        objectives that are traded, and for computed objectives that are not linear
        ``name == name``, which holds where they have a value.
        """
        found = [constraint.expression for constraint in self.constraints]
        limited: tuple[Objective | Outcome, ...] = self.outcomes
        if self.is_traded:
            limited = (*limited, *self.objectives)
        for one in limited:
            if one.name in self.computed:
                for sign, limit in zip((">=", "<="), one.limits, strict=True):
                    if limit is not None:
                        found.append(parse_condition(f"{one.name} {sign} {limit}"))
        for objective in self.objectives:
            definition = self.definitions.get(objective.name)
            if definition is not None and definition.linear_form() is None:
                found.append(parse_condition(f"{objective.name} == {objective.name}"))
        return tuple(condition.substitute(self.definitions) for condition in found)

    def computed_values(self, point: Mapping[str, float | str]) -> dict[str, float]:
        """Return every computed quantity at a point.

        Args:
            point: A value for every component and parameter.

        Raises:
            UndefinedValue: One has no finite value there.
        """
        return {
            name: float(cast("float", definition.evaluate(point)))
            for name, definition in self.definitions.items()
        }

    def canonical_text(self) -> str:
        """Return the campaign as one line of JSON, the same for the same campaign, for hashing."""
        return _json(self.model_dump(mode="python", by_alias=True, exclude_none=True))

    @classmethod
    def from_canonical_text(cls, text: str) -> "CampaignSpec":
        """Return the campaign that `canonical_text` wrote, number for number.

        Raises:
            pydantic.ValidationError: The text is not such a campaign.
            json.JSONDecodeError: The text is not JSON.
        """
        return cls.model_validate(json.loads(text, parse_float=Decimal))


def _json(value: object) -> str:
    match value:
        case Decimal():
            return str(value)
        case dict():
            entries = (f"{json.dumps(key)}:{_json(value[key])}" for key in sorted(value))
            return "{" + ",".join(entries) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_json, value)) + "]"
        case _:
            return json.dumps(value, allow_nan=False)
