"""The recipe: the template that turns a point into jobs, as far as a file alone can tell."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, PlainValidator, model_validator

from campaigns.errors import ExpressionError, Problem
from campaigns.expression import (
    Condition,
    Expression,
    parse_condition,
    parse_expression,
)
from campaigns.fields import Count, ExpressionField, Mistake, Mistakes, Section, number_from

__all__ = ["AnalysisChoice", "JobTemplate", "Recipe", "RecipeJob", "SettingsField", "circle_in"]

PLACEHOLDER: Final = "{component}"
_JOB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")


def _template(value: object) -> str:
    expected = f"a name of letters, digits and _, in which {PLACEHOLDER} may stand"
    if not isinstance(value, str) or not _JOB_NAME.fullmatch(value.replace(PLACEHOLDER, "x")):
        raise Mistake(value, expected)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Mistake(value, "a text in quotes")
    return value


def _argument(value: object) -> Decimal | str:
    if isinstance(value, str):
        return _text(value)
    try:
        return number_from(value)
    except Mistake as error:
        raise Mistake(value, "a finite number, an expression or a quoted text") from error


def _settings(value: object) -> dict[str, object]:
    if not isinstance(value, dict) or not all(map(_is_setting, value.values())):
        raise Mistake(value, "a table of numbers, texts, booleans, lists and tables")
    return dict(value)


def _is_setting(value: object) -> bool:
    match value:
        case dict():
            return all(map(_is_setting, value.values()))
        case list() | tuple():
            return all(map(_is_setting, value))
        case Decimal():
            return value.is_finite() and abs(value.adjusted()) <= 300
        case _:
            return isinstance(value, str | int | bool)


Template: TypeAlias = Annotated[str, PlainValidator(_template)]
ArgumentField: TypeAlias = Annotated[Decimal | str, PlainValidator(_argument)]
SettingsField: TypeAlias = Annotated[dict[str, object], PlainValidator(_settings)]


@dataclass(frozen=True, slots=True)
class RecipeJob:
    """One job of the recipe, for one component where there is one per component."""

    name: str
    instrument: str
    action: str
    positions: tuple[str, ...]
    """Held by the experiment from its first job that names them to its last."""
    when: Condition | None
    """The job is left out at a point where this does not hold."""
    arguments: Mapping[str, Decimal | str | Expression]
    """By name, in the units of their names: a number, a text, or an expression over the point.
    An expression that is the bare name of a categorical parameter stands for its category."""
    after: tuple[str, ...]
    """Names of the jobs that must be done before."""
    template_index: int
    """Which [[recipe.job]] it comes from, from 0."""


class JobTemplate(Section):
    """One [[recipe.job]] as written."""

    name: Template
    for_each: Literal["component"] | None = None
    """With "component" there is one copy for every component, in the order of the file."""
    when: Annotated[str, PlainValidator(_text)] | None = None
    instrument: Template
    action: Template
    positions: tuple[Template, ...] = ()
    arguments: dict[str, ArgumentField] = Field(default_factory=dict)
    after: tuple[Template, ...] | None = None
    """Names of jobs; the job before it by default. A name with {component} in a job without
    for_each means all copies."""

    @model_validator(mode="after")
    def _check(self) -> "JobTemplate":
        problems = []
        texts = {"instrument": self.instrument, "action": self.action, "when": self.when or ""}
        texts |= {f"positions[{i}]": position for i, position in enumerate(self.positions)}
        texts |= {f"arguments.{k}": v for k, v in self.arguments.items() if isinstance(v, str)}
        for key, text in ({"name": self.name} | texts).items():
            if PLACEHOLDER in text and self.for_each is None:
                expected = f"no {PLACEHOLDER}, or for_each = 'component'"
                problems.append(Problem(key, text, expected))
        if self.for_each is not None and PLACEHOLDER not in self.name:
            problems.append(Problem("name", self.name, f"a name with {PLACEHOLDER} in it"))
        if problems:
            raise Mistakes(problems)
        return self

    def job_for(self, component: str, index: int, after: tuple[str, ...]) -> RecipeJob:
        """Return the copy for one component; any text will do where there is one job for all.

        Raises:
            Mistakes: A condition or an argument is no text of the grammar.
        """
        problems: list[Problem] = []

        def filled(text: str) -> str:
            return text.replace(PLACEHOLDER, component)

        arguments: dict[str, Decimal | str | Expression] = {}
        for name, value in self.arguments.items():
            try:
                arguments[name] = _parsed(filled(value)) if isinstance(value, str) else value
            except ExpressionError as error:
                expected = f"a number, 'a text' or an expression; {error.reason}"
                problems.append(Problem(f"arguments.{name}", value, expected))
        when = None
        try:
            when = None if self.when is None else parse_condition(filled(self.when))
        except ExpressionError as error:
            problems.append(Problem("when", self.when, f"a condition; {error.reason}"))
        if problems:
            raise Mistakes(problems)
        return RecipeJob(
            name=filled(self.name),
            instrument=filled(self.instrument),
            action=filled(self.action),
            positions=tuple(map(filled, self.positions)),
            when=when,
            arguments=arguments,
            after=after,
            template_index=index,
        )


def _parsed(text: str) -> str | Expression:
    return text.strip()[1:-1] if _QUOTED.fullmatch(text.strip()) else parse_expression(text)


class AnalysisChoice(Section):
    """One named analysis that turns readings into values."""

    name: Annotated[str, PlainValidator(_text)]
    """Of the entry-point group ``athanor.analyses``."""
    settings: SettingsField = Field(default_factory=dict)
    """The analysis' own; it checks them."""


class Recipe(Section):
    """The jobs of one experiment and how its readings become values."""

    in_flight: Count = 1
    """Experiments on the bench at once, at least 1."""
    cost_usd_per_experiment: ExpressionField = parse_expression("0")
    """Dollars, for the stopping rule: a number or an expression over the point."""
    jobs: tuple[JobTemplate, ...] = Field(default=(), alias="job")
    analyses: tuple[AnalysisChoice, ...] = Field(default=(), alias="analysis")

    @model_validator(mode="after")
    def _check(self) -> "Recipe":
        if self.in_flight < 1:
            raise Mistakes([Problem("in_flight", self.in_flight, "at least 1")])
        if not self.jobs:
            raise Mistakes([Problem("job", [], "at least one [[recipe.job]]")])
        return self

    def jobs_for(self, components: Sequence[str]) -> tuple[RecipeJob, ...]:
        """Return every job of an experiment, conditional ones included, in file order.

        Neighbouring jobs with for_each form a group that is written out component by component.

        Args:
            components: The names that the space's composition has.

        Raises:
            Mistakes: A condition or an argument is no text of the grammar; keys begin with the
                index of the job.
        """
        placed = list(self._placed(components))
        names = [template.name.replace(PLACEHOLDER, one) for _, template, one in placed]
        jobs = []
        for position, (index, template, component) in enumerate(placed):
            if template.after is None:
                after = tuple(names[position - 1 : position])
            else:
                after = tuple(_filled_after(template, component, components))
            try:
                jobs.append(template.job_for(component, index, after))
            except Mistakes as mistakes:
                raise Mistakes(
                    [
                        Problem(f"job[{index}].{problem.key}", problem.got, problem.expected)
                        for problem in mistakes.problems
                    ]
                ) from mistakes
        return tuple(jobs)

    def jobs_at(
        self, components: Sequence[str], point: Mapping[str, Fraction | str]
    ) -> tuple[RecipeJob, ...]:
        """Return the jobs of one point; what came after a job left out comes after what it awaited.

        Args:
            components: The names that the space's composition has.
            point: A value for every component and parameter.
        """
        awaited: dict[str, tuple[str, ...]] = {}
        kept: list[RecipeJob] = []
        for job in _in_order(self.jobs_for(components)):
            after = tuple(dict.fromkeys(n for name in job.after for n in awaited.get(name, ())))
            if job.when is None or job.when.holds(point):
                awaited[job.name] = (job.name,)
                kept.append(replace(job, after=after))
            else:
                awaited[job.name] = after
        return tuple(kept)

    def _placed(self, components: Sequence[str]) -> Iterator[tuple[int, JobTemplate, str]]:
        group: list[tuple[int, JobTemplate]] = []
        for index, template in enumerate(self.jobs):
            if template.for_each is not None:
                group.append((index, template))
                continue
            yield from ((at, job, one) for one in components for at, job in group)
            group = []
            yield index, template, ""
        yield from ((at, job, one) for one in components for at, job in group)


def _filled_after(
    template: JobTemplate, component: str, components: Sequence[str]
) -> Iterator[str]:
    for name in template.after or ():
        if template.for_each is None and PLACEHOLDER in name:
            yield from (name.replace(PLACEHOLDER, one) for one in components)
        else:
            yield name.replace(PLACEHOLDER, component)


def circle_in(jobs: Sequence[RecipeJob]) -> tuple[str, ...]:
    """Return the names of jobs that wait for each other; none if an order exists."""
    waiting = {job.name: set(job.after) for job in jobs}
    while True:
        ready = [name for name, after in waiting.items() if not after & waiting.keys()]
        if not ready:
            return tuple(waiting)
        for name in ready:
            del waiting[name]


def _in_order(jobs: Sequence[RecipeJob]) -> Iterator[RecipeJob]:
    waiting = {job.name: job for job in jobs}
    while waiting:
        ready = [job for job in waiting.values() if not waiting.keys() & set(job.after)]
        if not ready:
            raise ValueError(f"jobs wait for each other: {', '.join(waiting)}")
        yield ready[0]
        del waiting[ready[0].name]
