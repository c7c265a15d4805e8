"""Computed quantities that may refer to each other, filled in until only inputs are left."""

from collections.abc import Mapping

from campaigns.expression import Expression

__all__ = ["circle_through", "resolved"]


def circle_through(computed: Mapping[str, Expression], name: str) -> tuple[str, ...] | None:
    """Return the way from a computed name back to itself; None if there is none.

    Example:
        >>> from campaigns.expression import parse_expression
        >>> computed = {"a": parse_expression("b + 1"), "b": parse_expression("2*a")}
        >>> circle_through(computed, "a")
        ('a', 'b', 'a')
    """
    ways: list[tuple[str, ...]] = [(name,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for following in sorted(computed[way[-1]].names & computed.keys()):
            if following == name:
                return (*way, name)
            if following not in seen:
                seen.add(following)
                ways.append((*way, following))
    return None


def resolved(computed: Mapping[str, Expression]) -> dict[str, Expression]:
    """Return every definition with the others filled in, in the order given.

    Raises:
        ExpressionError: One becomes too large to be worked with.
        ValueError: Definitions refer to each other in a circle.
    """
    done: dict[str, Expression] = {}
    waiting = dict(computed)
    while waiting:
        ready = [name for name, one in waiting.items() if not one.names & waiting.keys()]
        if not ready:
            raise ValueError(f"computed in a circle: {', '.join(sorted(waiting))}")
        for name in ready:
            done[name] = waiting.pop(name).substitute(done)
    return {name: done[name] for name in computed}
