"""Values as the cells of projection tables hold them."""

from orchestrator.log.tables import Cell
from orchestrator.log.wire_format import canonical_json

__all__ = ["json_cell", "number_cell"]


def number_cell(cell: Cell) -> float | int:
    """Return a cell that must hold a number.

    Raises:
        TypeError: It does not.

    Example:
        >>> number_cell(3)
        3
    """
    if isinstance(cell, int | float):
        return cell
    raise TypeError(f"got {cell!r}, expected a number")


def json_cell(value: object) -> str:
    """Return a structure as the text of a cell.

    Example:
        >>> json_cell({"b": 1, "a": 2})
        '{"a":2,"b":1}'
    """
    return canonical_json(value).decode()
