"""Mistakes between the sections of a campaign file: names that clash, are unknown or misused."""

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from campaigns.definitions import circle_through, resolved
from campaigns.errors import ExpressionError, Problem
from campaigns.expression import Condition, Expression
from campaigns.objectives import MOST_OBJECTIVES, Objective, TradeOff
from campaigns.recipe import JobTemplate, RecipeJob, circle_in, expanded
from campaigns.stopping import Target

__all__ = ["Draft", "entry_key", "goal_problems", "one_of", "problems_between"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What can be read of a file, lists by the places of their entries."""

    components: tuple[str, ...]
    parameters: Mapping[int, str]
    """Names of parameters, also of those that are wrong otherwise."""
    categories: Mapping[str, tuple[str, ...]]
    """Categories by categorical parameter."""
    numbers: frozenset[str]
    """Parameters that are numbers."""
    conditions: Mapping[int, tuple[str, Condition]]
    """Constraints: name and condition."""
    computed: Mapping[str, Expression]
    objectives: Mapping[int, str]
    """Names of objectives."""
    outcomes: Mapping[int, str]
    """Names of outcomes."""
    jobs: Mapping[int, JobTemplate]
    cost: Expression | None
    hours: Expression | None
    targets: Mapping[int, str]
    """Objectives that stopping targets name."""
    named_components: frozenset[str] = frozenset()
    """What the file names as components, also where the list is wrong."""
    named_computed: frozenset[str] = frozenset()
    are_inputs_known: bool = True
    """Whether every input's name could be read."""
    are_jobs_known: bool = True
    """Whether every job has a name, right or wrong."""
    are_jobs_right: bool = True
    """Whether every job could be read as it stands."""
    job_labels: Mapping[int, object] = field(default_factory=dict)
    """What the file names the jobs, where that may differ from how they are read."""

    @property
    def inputs(self) -> frozenset[str]:
        """Names of components and parameters."""
        return self.named_components.union(self.components, self.parameters.values())

    @property
    def goals(self) -> frozenset[str]:
        """Names of objectives and outcomes."""
        return frozenset(self.objectives.values()).union(self.outcomes.values())

    @property
    def computed_names(self) -> frozenset[str]:
        """Everything that the file computes, rightly or not."""
        return frozenset(self.computed) | self.named_computed


def entry_key(section: str, index: int, name: object) -> str:
    """Return the key of an entry of a list: its index from 0 and its name, if it has one.

    Example:
        >>> entry_key("objective", 1, "density")
        'objective[1] (density)'
    """
    return (
        f"{section}[{index}] ({name})" if isinstance(name, str) and name else f"{section}[{index}]"
    )


def one_of(known: Iterable[str], got: str) -> str:
    """Return the words for a choice, with the nearest one first asked after.

    Example:
        >>> one_of(["Al", "Cu"], "Cuu")
        'one of Al, Cu (did you mean Cu?)'
    """
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(got, names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return (f"one of {', '.join(names)}" if names else "a name that the file defines") + hint


def problems_between(draft: Draft) -> list[Problem]:
    """Return every mistake that shows only between sections."""
    found = [*_clashes(draft)]
    found += _computed_problems(draft)
    found += _constraint_problems(draft)
    found += _goal_problems(draft)
    found += _stopping_problems(draft)
    found += _recipe_problems(draft)
    return found


def _clashes(draft: Draft) -> Iterator[Problem]:
    taken = dict.fromkeys(draft.components, "a component")
    for index, name in sorted(draft.parameters.items()):
        if name in taken:
            key = entry_key("space.parameter", index, name) + ".name"
            yield Problem(key, name, f"another name: {taken[name]} has this one")
        taken.setdefault(name, "a parameter")
    for name in draft.computed:
        if name in taken:
            yield Problem(f"computed.{name}", name, f"another name: {taken[name]} has this one")


def _computed_problems(draft: Draft) -> Iterator[Problem]:
    known = (*sorted(draft.inputs), *draft.computed_names)
    circular: set[str] = set()
    for name, expression in draft.computed.items():
        key = f"computed.{name}"
        yield from _misused(draft, key, expression, frozenset(known))
        if name in circular:
            continue
        circle = circle_through(draft.computed, name)
        if circle is not None:
            circular |= set(circle)
            got = " -> ".join(circle)
            yield Problem(key, got, "a quantity that does not depend on itself")
    if not circular:
        yield from _too_large(draft)


def _too_large(draft: Draft) -> Iterator[Problem]:
    try:
        definitions = resolved(draft.computed)
    except ExpressionError as error:
        yield Problem("computed", error.text, f"shorter definitions; {error.reason}")
        return
    for index, (name, condition) in draft.conditions.items():
        try:
            condition.substitute(definitions)
        except ExpressionError as error:
            key = entry_key("constraint", index, name) + ".expression"
            yield Problem(key, error.text, f"a shorter condition; {error.reason}")


def _misused(
    draft: Draft, key: str, text: Expression | Condition, known: frozenset[str]
) -> Iterator[Problem]:
    """Yield names that are unknown, and categories used as numbers or the other way round."""
    numbers = draft.numbers.union(draft.components, draft.computed)
    compared = text.categories if isinstance(text, Condition) else {}
    for name in sorted(text.names):
        if name not in known:
            if name in draft.goals:
                expected = "an input or a computed quantity; limit what is measured in [[outcome]]"
                yield Problem(key, name, expected)
            elif draft.are_inputs_known:
                yield Problem(key, name, one_of(sorted(known), name))
        elif name in draft.categories and name in text.numeric_names:
            expected = f"a number; {name} is a category, compare it as {name} == 'text'"
            yield Problem(key, text.text, expected)
    for name, texts in sorted(compared.items()):
        categories = draft.categories.get(name)
        if categories is None:
            if name in numbers:
                expected = f"a comparison with a number; {name} is no category"
                yield Problem(key, text.text, expected)
            continue
        for one in sorted(texts - set(categories)):
            yield Problem(key, one, one_of(categories, one))


def _constraint_problems(draft: Draft) -> Iterator[Problem]:
    known = draft.inputs | draft.computed_names
    for index, (name, condition) in sorted(draft.conditions.items()):
        key = entry_key("constraint", index, name) + ".expression"
        if not condition.names:
            yield Problem(key, condition.text, "a condition that names an input")
        yield from _misused(draft, key, condition, known)


def _goal_problems(draft: Draft) -> Iterator[Problem]:
    goals = [("objective", index, name) for index, name in sorted(draft.objectives.items())]
    goals += [("outcome", index, name) for index, name in sorted(draft.outcomes.items())]
    seen: set[str] = set()
    for section, index, name in goals:
        key = entry_key(section, index, name) + ".name"
        is_computed_outcome = section == "outcome" and name in draft.computed_names
        if name in draft.inputs:
            expected = "a measured or computed quantity; components and parameters are inputs"
            yield Problem(key, name, expected)
        elif name in seen and not is_computed_outcome:
            yield Problem(key, name, "a name that no other goal has")
        if not is_computed_outcome:
            seen.add(name)
    measured = draft.goals - draft.computed_names
    for name in sorted(draft.inputs | measured):
        owner = name.removesuffix("_sd")
        if "_predicted_" in name or (owner != name and owner in measured):
            expected = "another name: this one is a column of observation tables"
            yield Problem(_key_of_name(draft, name), name, expected)


def _key_of_name(draft: Draft, name: str) -> str:
    """Return the key under which the file gives an input or a goal its name."""
    lists = {
        "space.parameter": draft.parameters,
        "objective": draft.objectives,
        "outcome": draft.outcomes,
    }
    for section, entries in lists.items():
        for index, one in entries.items():
            if one == name:
                return entry_key(section, index, name) + ".name"
    return "space.composition"


def _stopping_problems(draft: Draft) -> Iterator[Problem]:
    known = [name for _, name in sorted(draft.objectives.items())]
    for index, objective in sorted(draft.targets.items()):
        if objective not in known:
            yield Problem(
                f"stopping.target[{index}].objective", objective, one_of(known, objective)
            )


def _recipe_problems(draft: Draft) -> Iterator[Problem]:
    known = draft.inputs | draft.computed_names
    if draft.cost is not None:
        yield from _misused(draft, "recipe.cost_usd_per_experiment", draft.cost, known)
    if draft.hours is not None:
        yield from _misused(draft, "recipe.hours_per_experiment", draft.hours, known)
    if draft.are_inputs_known and not draft.components and not draft.named_components:
        for index, template in draft.jobs.items():
            if template.for_each is not None:
                label = draft.job_labels.get(index, template.name)
                key = entry_key("recipe.job", index, label) + ".for_each"
                yield Problem(key, template.for_each, "no for_each without a composition")
    yield from _job_problems(draft, known)


def _job_problems(draft: Draft, known: frozenset[str]) -> Iterator[Problem]:
    jobs = expanded(draft.jobs, draft.components)
    counts = Counter(job.name for job in jobs)
    told: set[tuple[str, object]] = set()
    for job in jobs:
        index = job.template_index
        label = draft.job_labels.get(index, draft.jobs[index].name)
        key = entry_key("recipe.job", index, label)
        for problem in _one_job(draft, job, key, known, counts):
            if (problem.key, problem.got) not in told:
                told.add((problem.key, problem.got))
                yield problem
    if not told and draft.are_jobs_right and (circle := circle_in(jobs)):
        expected = "jobs that can be put in an order; these wait for each other"
        yield Problem("recipe.job", ", ".join(circle), expected)


def _one_job(
    draft: Draft, job: RecipeJob, key: str, known: frozenset[str], counts: Counter[str]
) -> Iterator[Problem]:
    if counts[job.name] > 1:
        yield Problem(f"{key}.name", job.name, "a name that no other job has")
    for name in job.after:
        if draft.are_jobs_known and draft.are_inputs_known and name not in counts:
            yield Problem(f"{key}.after", name, one_of(counts, name))
    if job.when is not None:
        yield from _misused(draft, f"{key}.when", job.when, known)
    for argument, value in job.arguments.items():
        if isinstance(value, Expression) and value.lone_name not in draft.categories:
            yield from _misused(draft, f"{key}.arguments.{argument}", value, known)


def goal_problems(
    objectives: Sequence[Objective], trade_off: TradeOff, targets: Sequence[Target]
) -> Iterator[Problem]:
    """Yield objectives that contradict how they are traded, and targets that do not suit them."""
    if len(objectives) > MOST_OBJECTIVES:
        yield Problem("objective", len(objectives), f"at most {MOST_OBJECTIVES}")
    for index, one in enumerate(objectives):
        key = entry_key("objective", index, one.name)
        if one.weight is not None and trade_off == "front":
            expected = "no weight, or campaign.trade_off weighted or desirability: on a front "
            yield Problem(f"{key}.weight", one.weight, expected + "nothing is weighed")
        if one.desirability is not None and trade_off != "desirability":
            expected = f"none, or campaign.trade_off desirability; it is {trade_off}"
            yield Problem(f"{key}.desirability", "a table", expected)
        if one.desirability is None and trade_off == "desirability":
            expected = "a table with worst and best, for campaign.trade_off desirability"
            yield Problem(f"{key}.desirability", None, expected)
    matched = {one.name for one in objectives if one.direction == "match"}
    for index, target in enumerate(targets):
        if (target.within is None) == (target.objective in matched):
            one_sided = "at_least" if target.at_most is None else "at_most"
            if target.within is None:
                got, expected = one_sided, f"within: {target.objective} is to be matched"
            else:
                got = "within"
                expected = f"at_least or at_most: {target.objective} is not to be matched"
            yield Problem(f"stopping.target[{index}]", got, expected)
