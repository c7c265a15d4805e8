"""The small campaign of the planners' contracts: an alloy of at most two of three, at two heats."""

__all__ = ["FEASIBLE", "SPACE", "STRENGTH"]

SPACE = """
[campaign]
name = "small"
[space.composition]
elements = ["Li", "Al", "Cu"]
step = 0.1
max_active = 2
[[space.parameter]]
name = "temperature_c"
kind = "discrete"
values = [20, 45.5]
[[constraint]]
expression = "Li + Al <= 0.9"
"""
"""What may be made; an objective and a planner complete it."""
STRENGTH = '[[objective]]\nname = "strength_mpa"\ndirection = "maximise"\n'
FEASIBLE: dict[str, float | str] = {"Li": 0.4, "Al": 0.0, "Cu": 0.6, "temperature_c": 45.5}
"""A point that may be made."""
