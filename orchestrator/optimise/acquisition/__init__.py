"""How much an experiment promises: one room a family of acquisition functions."""

__all__: list[str] = []
