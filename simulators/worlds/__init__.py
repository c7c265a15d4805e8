"""Pieces of nature, from published tables, that a pretend bench can be set in."""

from simulators.worlds.world import Transducer, World, world_named

__all__ = ["Transducer", "World", "world_named"]
