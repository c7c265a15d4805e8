"""Puts a pretend bench behind real wires: pseudo-terminals and sockets of this machine."""

from simulators.serving.lab import WirePlan, served

__all__ = ["WirePlan", "served"]
