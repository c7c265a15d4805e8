"""A ledger whose first items are read only when somebody looks at them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TypeVar, overload

from typing_extensions import override

from orchestrator.core.ledger import Ledger

__all__ = ["LateItems", "LateLedger"]

T = TypeVar("T")


class LateItems(Sequence[T]):
    """Items that are loaded at the first look, once.

    Args:
        n: How many there are.
        load: Returns them.
    """

    def __init__(self, n: int, load: Callable[[], Sequence[T]]) -> None:
        self._n = n
        self._load = load
        self._items: Sequence[T] | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether somebody has looked."""
        return self._items is not None

    @override
    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...

    @override
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if self._items is None:
            self._items = self._load()
        return self._items[index]


class LateLedger(Ledger[T]):
    """A ledger of late items and of those that came after them.

    Args:
        before: The late ones.
        after: The others.

    Example:
        >>> ledger = LateLedger(LateItems(2, lambda: [1, 2])).plus(3)
        >>> len(ledger), ledger[-1], list(ledger)
        (3, 3, [1, 2, 3])
    """

    __slots__ = ("_after", "_before")

    def __init__(self, before: LateItems[T], after: Ledger[T] | None = None) -> None:
        super().__init__()
        self._before = before
        self._after: Ledger[T] = Ledger() if after is None else after

    @override
    def plus(self, item: T) -> "LateLedger[T]":
        """Return a ledger with one more item at its end; nothing is loaded."""
        return LateLedger(self._before, self._after.plus(item))

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    @override
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        place = index % len(self)
        n_before = len(self._before)
        return self._before[place] if place < n_before else self._after[place - n_before]

    @override
    def __len__(self) -> int:
        return len(self._before) + len(self._after)

    @override
    def __iter__(self) -> Iterator[T]:
        return chain(self._before, self._after)

    __hash__ = None
