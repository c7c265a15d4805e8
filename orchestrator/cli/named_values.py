"""Points as arguments of commands: ``Ni=0.5,Fe=0.5`` or ``Ni=0.5 Fe=0.5``."""

from collections.abc import Sequence

import typer

__all__ = ["named_values"]


def named_values(texts: Sequence[str], hint: str) -> dict[str, str]:
    """Read ``name=value`` pairs that stand apart or are joined by commas.

    Args:
        texts: As the command line has them.
        hint: What the argument is called in messages.

    Returns:
        Values as they were written: only a campaign knows which of them are numbers.

    Raises:
        BadParameter: One is no pair, or a name stands there twice.

    Example:
        >>> named_values(["Ni=0.5, Fe=0.5", "gas=argon"], "POINT")
        {'Ni': '0.5', 'Fe': '0.5', 'gas': 'argon'}
    """
    found: dict[str, str] = {}
    for part in (piece for text in texts for piece in text.split(",")):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals and value):
            raise typer.BadParameter(f"got {part!r}, expected name=value", param_hint=hint)
        if name in found:
            raise typer.BadParameter(f"got {name} twice, expected it once", param_hint=hint)
        found[name] = value
    return found
