"""The small safe grammar of campaign files: text to trees; nothing is evaluated here.

Numbers, names, ``+ - * / **``, calls of a few functions; for conditions also comparisons joined
by ``and``, ``or``, ``not``. Precedence and associativity are Python's.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from campaigns.errors import ExpressionError
from campaigns.trees import (
    Call,
    Chain,
    Clause,
    Comparison,
    Inversion,
    Junction,
    Name,
    Negation,
    Node,
    Number,
    Power,
    Text,
    Tree,
    depth_of,
)

__all__ = ["FUNCTIONS", "WORDS", "parse"]

FUNCTIONS: Final = {
    "abs": (1, 1),
    "exp": (1, 1),
    "log": (1, 1),
    "log10": (1, 1),
    "max": (2, 64),
    "min": (2, 64),
    "sqrt": (1, 1),
}
"""Functions with the fewest and the most arguments that they take."""
WORDS: Final = frozenset({"and", "or", "not"})
"""Words that are not names."""
MAX_LENGTH: Final = 4000
MAX_NESTING: Final = 20
MAX_DEPTH: Final = 100
MAX_NUMBER_LENGTH: Final = 40
MAX_NUMBER_EXPONENT: Final = 300


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<text>"[^"\n]*"|'[^'\n]*')
      | (?P<sign>\*\*|<=|>=|==|!=|[-+*/()<>,])""",
    re.VERBOSE,
)
_HINTS: Final = {
    "=": "use == to compare",
    "^": "use ** for powers",
    "&": "use 'and'",
    "|": "use 'or'",
    "!": "use 'not'",
    "%": "write fractions, not per cent",
    ".": "attributes are not allowed",
    "[": "subscripts are not allowed",
    '"': "the quotation is not closed",
    "'": "the quotation is not closed",
}


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            sign = text[position]
            hint = _HINTS.get(sign, "it is not part of the grammar")
            raise ExpressionError(text, f"unexpected {sign!r}, {hint}", position)
        if found.lastgroup == "number" and re.match(r"[A-Za-z0-9_.]", text[found.end() :]):
            raise ExpressionError(text, "a number runs into what follows it", found.end())
        if found.lastgroup != "space":
            yield _Token(found.lastgroup, found.group(), position)
        position = found.end()
    yield _Token("end", "", len(text))


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError(text[:40] + "...", f"longer than {MAX_LENGTH} characters")
        self._text = text
        self._tokens = tuple(_tokens(text))
        self._index = 0
        self._nesting = 0

    def whole(self) -> Node:
        """Return the tree of the whole text."""
        if self._next.kind == "end":
            raise self._error("the text is empty")
        node = self._or()
        if self._next.kind != "end":
            raise self._error(f"unexpected {self._next.text!r}")
        if depth_of(node) > MAX_DEPTH:
            raise ExpressionError(self._text, f"more than {MAX_DEPTH} levels deep")
        return node

    @property
    def _next(self) -> _Token:
        return self._tokens[self._index]

    def _error(self, reason: str, position: int | None = None) -> ExpressionError:
        where = self._next.position if position is None else position
        return ExpressionError(self._text, reason, where)

    def _take(self, *texts: str) -> str | None:
        token = self._next
        if token.kind in ("sign", "name") and token.text in texts:
            self._index += 1
            return token.text
        return None

    def _demand(self, text: str) -> None:
        if self._take(text) is None:
            got = repr(self._next.text) if self._next.text else "the end"
            raise self._error(f"expected {text!r}, got {got}")

    def _or(self) -> Node:
        return self._joined("or")

    def _joined(self, word: str) -> Node:
        below = self._not if word == "and" else lambda: self._joined("and")
        start = self._next.position
        first = below()
        if self._next.text != word or self._next.kind != "name":
            return first
        parts = [self._clause(first, start)]
        while self._take(word):
            start = self._next.position
            parts.append(self._clause(below(), start))
        return Junction(word, tuple(parts))

    def _not(self) -> Node:
        if not self._take("not"):
            return self._comparison()
        self._enter()
        start = self._next.position
        part = self._clause(self._not(), start)
        self._nesting -= 1
        return Inversion(part)

    def _comparison(self) -> Node:
        start = self._next.position
        first = self._sum()
        operators: list[str] = []
        operands = [first]
        positions = [start]
        while sign := self._take("<", "<=", ">", ">=", "==", "!="):
            operators.append(sign)
            positions.append(self._next.position)
            operands.append(self._sum())
        if not operators:
            return first
        compared = [
            node if isinstance(node, Text) else self._tree(node, where)
            for node, where in zip(operands, positions, strict=True)
        ]
        self._check_texts(operators, compared, start)
        return Comparison(tuple(operators), tuple(compared))

    def _check_texts(self, operators: list[str], operands: list[Tree | Text], start: int) -> None:
        if not any(isinstance(operand, Text) for operand in operands):
            return
        kinds = {type(operand) for operand in operands}
        if len(operands) != 2 or operators[0] not in ("==", "!=") or kinds != {Name, Text}:
            raise self._error("a category is compared as name == 'text' or name != 'text'", start)

    def _sum(self) -> Node:
        return self._chain(self._product, "+", "-")

    def _product(self) -> Node:
        return self._chain(self._unary, "*", "/")

    def _chain(self, below: Callable[[], Node], *signs: str) -> Node:
        start = self._next.position
        first = below()
        operators: list[str] = []
        operands: list[Tree] = []
        while sign := self._take(*signs):
            if not operands:
                operands.append(self._tree(first, start))
            operators.append(sign)
            start = self._next.position
            operands.append(self._tree(below(), start))
        return Chain(tuple(operators), tuple(operands)) if operators else first

    def _unary(self) -> Node:
        sign = self._take("-", "+")
        if sign is None:
            return self._power()
        self._enter()
        start = self._next.position
        operand = self._tree(self._unary(), start)
        self._nesting -= 1
        return Negation(operand) if sign == "-" else operand

    def _power(self) -> Node:
        start = self._next.position
        base = self._atom()
        if not self._take("**"):
            return base
        tree = self._tree(base, start)
        self._enter()
        start = self._next.position
        exponent = self._tree(self._unary(), start)
        self._nesting -= 1
        return Power(tree, exponent)

    def _atom(self) -> Node:
        token = self._next
        self._index += 1
        if token.kind == "number":
            return Number(self._number(token))
        if token.kind == "text":
            return Text(token.text[1:-1])
        if token.kind == "name" and token.text not in WORDS:
            if self._next.text == "(" and self._next.kind == "sign":
                return self._call(token)
            if token.text in FUNCTIONS:
                raise self._error(f"{token.text} is a function: {token.text}(...)", token.position)
            return Name(token.text)
        if token.text == "(":
            self._enter()
            inner = self._or()
            self._demand(")")
            self._nesting -= 1
            return inner
        self._index -= 1
        got = f"unexpected {token.text!r}" if token.text else "it ends too early"
        raise self._error(f"{got}, a number, a name or '(' is missing")

    def _number(self, token: _Token) -> Fraction:
        if len(token.text) > MAX_NUMBER_LENGTH:
            raise self._error(
                f"a number longer than {MAX_NUMBER_LENGTH} characters", token.position
            )
        exponent = re.split("[eE]", token.text)[1:]
        if exponent and abs(int(exponent[0])) > MAX_NUMBER_EXPONENT:
            raise self._error(
                f"the number's exponent exceeds {MAX_NUMBER_EXPONENT}", token.position
            )
        return Fraction(Decimal(token.text))

    def _call(self, token: _Token) -> Call:
        if token.text not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise self._error(f"no function {token.text!r}; known: {known}", token.position)
        self._demand("(")
        self._enter()
        arguments: list[Tree] = []
        while not arguments or self._take(","):
            start = self._next.position
            arguments.append(self._tree(self._or(), start))
        self._demand(")")
        self._nesting -= 1
        fewest, most = FUNCTIONS[token.text]
        if not fewest <= len(arguments) <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            reason = f"{token.text} takes {wanted} arguments, got {len(arguments)}"
            raise self._error(reason, token.position)
        return Call(token.text, tuple(arguments))

    def _enter(self) -> None:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise self._error(f"more than {MAX_NESTING} levels nested")

    def _tree(self, node: Node, position: int) -> Tree:
        if isinstance(node, Text):
            raise self._error("a quoted text is not a number", position)
        if isinstance(node, Comparison | Junction | Inversion):
            raise self._error("a condition stands where a number is meant", position)
        return node

    def _clause(self, node: Node, position: int) -> Clause:
        if isinstance(node, Comparison | Junction | Inversion):
            return node
        raise self._error("a comparison is missing", position)


def parse(text: str) -> Node:
    """Return the tree of a text: an arithmetic expression, a condition or a lone quoted text.

    Raises:
        ExpressionError: The text is not of the grammar.

    Example:
        >>> parse("2*Al")
        Chain(operators=('*',), operands=(Number(value=Fraction(2, 1)), Name(name='Al')))
    """
    return _Parser(text).whole()
