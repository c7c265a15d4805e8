"""The pure heart: facts, states folded from facts, and decisions; no clock, no file, no torch."""

__all__: list[str] = []
