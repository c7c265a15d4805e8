"""What the candidates of one proposal have in common: the table [batch]."""

from collections.abc import Iterator, Sequence

from campaigns.errors import Problem
from campaigns.fields import NameField, Natural, Section
from campaigns.space import Space

__all__ = ["BatchRules", "batch_problems"]


class BatchRules(Section):
    """The table [batch]; it speaks of the candidates of one proposal, never of two."""

    same: tuple[NameField, ...] = ()
    """Parameters that have one value for all of them, such as a furnace's temperature."""
    max_components: Natural | None = None
    """How many different components they may hold together; no limit by default."""


def batch_problems(space: Space, rules: BatchRules) -> Iterator[Problem]:
    """Yield what contradicts the space.

    Args:
        space: What is searched.
        rules: What candidates of one proposal have in common.
    """
    known = [parameter.name for parameter in space.parameters]
    for index, name in enumerate(rules.same):
        key = f"batch.same[{index}]"
        if name in space.components:
            yield Problem(key, name, "a parameter; limit components by batch.max_components")
        elif name not in known:
            listed = f"one of {', '.join(known)}" if known else "no name: there is no parameter"
            yield Problem(key, name, listed)
        elif name in rules.same[:index]:
            yield Problem(key, name, "a name that is not yet in the list")
    if rules.max_components is not None:
        yield from _component_problems(space, rules.max_components)


def _component_problems(space: Space, most: int) -> Iterator[Problem]:
    composition = space.composition
    key = "batch.max_components"
    if composition is None:
        yield Problem(key, most, "no such key without a composition")
        return
    required = [
        name
        for name, (low, _) in zip(composition.names, composition.count_bounds, strict=True)
        if low > 0
    ]
    if most > len(composition.names):
        yield Problem(key, most, f"1 to {len(composition.names)}: there are no more components")
    elif most < len(required):
        yield Problem(key, most, _required_text(required))


def _required_text(required: Sequence[str]) -> str:
    listed = ", ".join(required)
    return f"at least {len(required)}: every candidate holds {listed}, by their bounds"
