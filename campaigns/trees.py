"""Trees of expressions and conditions: what the grammar reads and the arithmetic evaluates."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import TypeAlias, cast

__all__ = [
    "Call",
    "Chain",
    "Clause",
    "Comparison",
    "Inversion",
    "Junction",
    "Name",
    "Negation",
    "Node",
    "Number",
    "Power",
    "Text",
    "Tree",
    "categories_in",
    "depth_of",
    "n_nodes",
    "names_in",
    "numeric_names_in",
    "parts_of",
    "replaced",
]


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, exact as written."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    """A component, a parameter or a computed quantity."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted category."""

    text: str


@dataclass(frozen=True, slots=True)
class Negation:
    """Minus in front of an operand."""

    operand: "Tree"


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands joined from left to right by ``+ -`` or by ``* /``."""

    operators: tuple[str, ...]
    operands: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Power:
    """``base ** exponent``."""

    base: "Tree"
    exponent: "Tree"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the grammar with its arguments."""

    function: str
    arguments: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Operands compared from left to right; every pair must hold."""

    operators: tuple[str, ...]
    operands: tuple["Tree | Text", ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """Clauses joined by one word, ``and`` or ``or``."""

    word: str
    parts: tuple["Clause", ...]


@dataclass(frozen=True, slots=True)
class Inversion:
    """``not`` in front of a clause."""

    part: "Clause"


Tree: TypeAlias = Number | Name | Negation | Chain | Power | Call
"""An arithmetic expression."""
Clause: TypeAlias = Comparison | Junction | Inversion
"""A condition."""
Node: TypeAlias = Tree | Clause | Text
"""Anything in a tree."""


def parts_of(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below a node, from left to right."""
    match node:
        case Negation(operand):
            return (operand,)
        case Chain(operands=parts) | Comparison(operands=parts):
            return parts
        case Call(arguments=parts):
            return parts
        case Junction(parts=clauses):
            return clauses
        case Power(base, exponent):
            return (base, exponent)
        case Inversion(part):
            return (part,)
        case _:
            return ()


def depth_of(node: Node) -> int:
    """Return the number of levels of a tree; a leaf has one."""
    return 1 + max((depth_of(part) for part in parts_of(node)), default=0)


def n_nodes(node: Node) -> int:
    """Return the number of nodes, a shared one counted wherever it stands; quick if many are."""
    sizes: dict[int, int] = {}

    def size(part: Node) -> int:
        if id(part) not in sizes:
            sizes[id(part)] = 1 + sum(map(size, parts_of(part)))
        return sizes[id(part)]

    return size(node)


def names_in(node: Node) -> frozenset[str]:
    """Return the names that a tree needs values of."""
    if isinstance(node, Name):
        return frozenset({node.name})
    return reduce(frozenset.union, (names_in(part) for part in parts_of(node)), frozenset())


def categories_in(node: Node) -> dict[str, frozenset[str]]:
    """Return the texts that each name is compared with."""
    parts = parts_of(node)
    if isinstance(node, Comparison) and any(isinstance(part, Text) for part in parts):
        name = next(part.name for part in parts if isinstance(part, Name))
        return {name: frozenset(part.text for part in parts if isinstance(part, Text))}
    found: dict[str, frozenset[str]] = {}
    for part in parts:
        for name, texts in categories_in(part).items():
            found[name] = found.get(name, frozenset()) | texts
    return found


def numeric_names_in(node: Node) -> frozenset[str]:
    """Return the names that a tree needs as numbers: all but those compared with texts."""
    if isinstance(node, Name):
        return frozenset({node.name})
    if isinstance(node, Comparison) and any(isinstance(part, Text) for part in node.operands):
        return frozenset()
    return reduce(frozenset.union, map(numeric_names_in, parts_of(node)), frozenset())


def replaced(node: Node, trees: Mapping[str, Tree]) -> Node:
    """Return a tree with some names replaced by trees; names compared with texts stay."""

    def tree(part: Node) -> Tree:
        return cast("Tree", replaced(part, trees))

    match node:
        case Name(name):
            outcome: Node = trees.get(name, node)
        case Negation(operand):
            outcome = Negation(tree(operand))
        case Chain(operators, operands):
            outcome = Chain(operators, tuple(map(tree, operands)))
        case Power(base, exponent):
            outcome = Power(tree(base), tree(exponent))
        case Call(function, arguments):
            outcome = Call(function, tuple(map(tree, arguments)))
        case Comparison(operators, compared) if not categories_in(node):
            outcome = Comparison(operators, tuple(map(tree, compared)))
        case Junction(word, parts):
            clauses = (cast("Clause", replaced(part, trees)) for part in parts)
            outcome = Junction(word, tuple(clauses))
        case Inversion(part):
            outcome = Inversion(cast("Clause", replaced(part, trees)))
        case Number() | Text() | Comparison():
            outcome = node
    return outcome
