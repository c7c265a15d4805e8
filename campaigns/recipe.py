"""The recipe: the template that turns a point into jobs, as far as a file alone can tell."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import AfterValidator, Field, PlainValidator

from campaigns.errors import ExpressionError, Problem
from campaigns.expression import (
    Condition,
    Expression,
    parse_condition,
    parse_expression,
)
from campaigns.failures import FailureMeans, OnFailure
from campaigns.fields import (
    Check,
    ExpressionField,
    Mistake,
    Mistakes,
    Natural,
    Positive,
    Section,
    not_empty,
    number_from,
)

__all__ = [
    "PLACEHOLDER",
    "AnalysisChoice",
    "JobTemplate",
    "Recipe",
    "RecipeJob",
    "SettingsField",
    "circle_in",
    "expanded",
]

PLACEHOLDER: Final = "{component}"
"""What stands for the name of a component in a job with for_each."""
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


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Mistake(value, "true or false")
    return value


def _settings(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise Mistake(value, "a table of numbers, texts, booleans, lists and tables")
    expected = "a finite number, a text, a boolean, a list or a table of these"
    wrong = [Problem(str(k), one, expected) for k, one in value.items() if not _is_setting(one)]
    if wrong:
        raise Mistakes(wrong)
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
    is_cleanup: bool
    """It also runs after another job of the experiment failed, and leaves its positions clean."""
    on_failure: OnFailure = "fail_sample"
    max_attempts: int = 3
    failure_means: FailureMeans = "instrument"
    max_wait_s: Decimal | None = None
    cleans: str = ""
    """The place that it cleans for its sample, where that is necessary; empty: always done."""


def _placeholders(for_each: str | None, texts: Mapping[str, str | None]) -> Iterator[Problem]:
    for key, text in texts.items():
        if for_each is None and text and PLACEHOLDER in text:
            yield Problem(key, text, f"no {PLACEHOLDER}, or for_each = 'component'")


def _name_placeholder(for_each: str | None, name: str) -> Iterator[Problem]:
    yield from _placeholders(for_each, {"name": name})
    if for_each is not None and PLACEHOLDER not in name:
        yield Problem("name", name, f"a name with {PLACEHOLDER} in it")


def _place_placeholders(for_each: str | None, positions: tuple[str, ...]) -> Iterator[Problem]:
    yield from _placeholders(for_each, {f"positions[{i}]": one for i, one in enumerate(positions)})


def _argument_placeholders(
    for_each: str | None, arguments: Mapping[str, Decimal | str]
) -> Iterator[Problem]:
    texts = {f"arguments.{name}": one for name, one in arguments.items() if isinstance(one, str)}
    yield from _placeholders(for_each, texts)
    for key, text in texts.items():
        try:
            _parsed(text.replace(PLACEHOLDER, "x"))
        except ExpressionError as error:
            yield Problem(key, text, f"a number, 'a text' or an expression; {error.reason}")


def _when_placeholders(for_each: str | None, when: str | None) -> Iterator[Problem]:
    yield from _placeholders(for_each, {"when": when})
    if when is None:
        return
    try:
        parse_condition(when.replace(PLACEHOLDER, "x"))
    except ExpressionError as error:
        yield Problem("when", when, f"a condition; {error.reason}")


def _cleanup_says_nothing(cleanup: bool, failure_means: FailureMeans) -> Iterator[Problem]:
    if cleanup and failure_means == "synthesis":
        expected = "instrument: a cleanup job comes after the sample and says nothing about it"
        yield Problem("failure_means", failure_means, expected)


def _cleanup_waits(cleanup: bool, max_wait_s: Decimal | None) -> Iterator[Problem]:
    if cleanup and max_wait_s is not None:
        yield Problem("max_wait_s", max_wait_s, "no such key: a cleanup job spoils no sample")


def _cleans_one_of(positions: tuple[str, ...], cleans: str | None) -> Iterator[Problem]:
    if cleans is not None and cleans not in positions:
        expected = "one of its positions: the place is the sample's from its cleaning on"
        yield Problem("cleans", cleans, expected)


def _cleanup_cleans(cleanup: bool, cleans: str | None) -> Iterator[Problem]:
    if cleanup and cleans is not None:
        yield Problem("cleans", cleans, "no such key: a cleanup job is always done")


def _cleans_whenever(max_wait_s: Decimal | None, cleans: str | None) -> Iterator[Problem]:
    if max_wait_s is not None and cleans is not None:
        expected = "no such key: it may be skipped; what must not wait comes after it"
        yield Problem("max_wait_s", max_wait_s, expected)


def _cleans_always(when: str | None, cleans: str | None) -> Iterator[Problem]:
    if when is not None and cleans is not None:
        expected = "no such key: what stood there before decides whether it is cleaned"
        yield Problem("when", when, expected)


class JobTemplate(Section):
    """One [[recipe.job]] as written."""

    checks: ClassVar[tuple[Check, ...]] = (
        Check(("for_each", "name"), _name_placeholder),
        Check(("for_each", "when"), _when_placeholders),
        Check(("for_each", "instrument"), lambda each, x: _placeholders(each, {"instrument": x})),
        Check(("for_each", "action"), lambda each, x: _placeholders(each, {"action": x})),
        Check(("for_each", "positions"), _place_placeholders),
        Check(("for_each", "arguments"), _argument_placeholders),
        Check(("cleanup", "failure_means"), _cleanup_says_nothing),
        Check(("cleanup", "max_wait_s"), _cleanup_waits),
        Check(("for_each", "cleans"), lambda each, x: _placeholders(each, {"cleans": x})),
        Check(("positions", "cleans"), _cleans_one_of),
        Check(("cleanup", "cleans"), _cleanup_cleans),
        Check(("when", "cleans"), _cleans_always),
        Check(("max_wait_s", "cleans"), _cleans_whenever),
    )
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
    cleanup: Annotated[bool, PlainValidator(_flag)] = False
    """It also runs after another job of the experiment failed, so that the next sample does not
    meet this one: emptying, rinsing, taking away."""
    on_failure: OnFailure = "fail_sample"
    """What follows when it failed and is known not to have acted, or acted and went wrong.
    ``fail_sample``: attempts of which nothing was sent are repeated, any other failure ends the
    experiment. ``retry``: whatever is known not to have acted is tried again. ``hold``: the
    campaign is held at once, with the sample where it is. What has acted is never tried again."""
    max_attempts: Natural = 3
    """How often it is started at most; attempts that its instrument could not take do not count."""
    failure_means: FailureMeans = "instrument"
    """What a fault that the device reports after it has acted says: ``instrument``, that the device
    is broken; ``synthesis``, that the sample cannot be made: an observation about the point."""
    max_wait_s: Positive | None = None
    """Seconds after the jobs before it have ended within which it must begin, such as before a
    slurry settles. It is not begun later: the sample is spoilt."""
    cleans: Template | None = None
    """One of its positions, which it cleans before the sample comes. It is skipped if what stood
    there before cannot spoil the sample, by the [[contamination]] tables of the rig."""

    def job_for(self, component: str, index: int, after: tuple[str, ...]) -> RecipeJob:
        """Return the copy for one component; any text will do where there is one job for all."""

        def filled(text: str) -> str:
            return text.replace(PLACEHOLDER, component)

        return RecipeJob(
            name=filled(self.name),
            instrument=filled(self.instrument),
            action=filled(self.action),
            positions=tuple(map(filled, self.positions)),
            when=None if self.when is None else parse_condition(filled(self.when)),
            arguments={
                name: _parsed(filled(value)) if isinstance(value, str) else value
                for name, value in self.arguments.items()
            },
            after=after,
            template_index=index,
            is_cleanup=self.cleanup,
            on_failure=self.on_failure,
            max_attempts=self.max_attempts,
            failure_means=self.failure_means,
            max_wait_s=self.max_wait_s,
            cleans="" if self.cleans is None else filled(self.cleans),
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

    in_flight: Natural = 1
    """Experiments on the bench at once."""
    cost_usd_per_experiment: ExpressionField = parse_expression("0")
    """Dollars, for the stopping rule: a number or an expression over the point."""
    hours_per_experiment: ExpressionField | None = None
    """Hours that the bench is busy with one: a number or an expression over the point. Planners
    that weigh what experiments take look at it, nothing else does."""
    jobs: Annotated[tuple[JobTemplate, ...], AfterValidator(not_empty)] = Field(alias="job")
    analyses: tuple[AnalysisChoice, ...] = Field(default=(), alias="analysis")

    def jobs_for(self, components: Sequence[str]) -> tuple[RecipeJob, ...]:
        """Return every job of an experiment, conditional ones included, in file order.

        Neighbouring jobs with for_each form a group that is written out component by component.

        Args:
            components: The names that the space's composition has.
        """
        return expanded(dict(enumerate(self.jobs)), components)

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


def expanded(
    templates: Mapping[int, JobTemplate], components: Sequence[str]
) -> tuple[RecipeJob, ...]:
    """Return the jobs that templates stand for, groups of neighbours component by component.

    Args:
        templates: By their place in the file.
        components: The names that the space's composition has.
    """
    placed = list(_placed(templates, components))
    names = [template.name.replace(PLACEHOLDER, one) for _, template, one in placed]
    jobs = []
    for position, (index, template, component) in enumerate(placed):
        if template.after is None:
            after = tuple(names[max(0, position - 1) : position])
        else:
            after = tuple(_filled_after(template, component, components))
        jobs.append(template.job_for(component, index, after))
    return tuple(jobs)


def _placed(
    templates: Mapping[int, JobTemplate], components: Sequence[str]
) -> Iterator[tuple[int, JobTemplate, str]]:
    group: list[tuple[int, JobTemplate]] = []
    for index, template in templates.items():
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
