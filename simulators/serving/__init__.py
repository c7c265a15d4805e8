"""Puts a pretend bench behind real wires: pseudo-terminals and sockets of this machine."""

__all__: list[str] = []
