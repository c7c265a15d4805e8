"""Shipped campaigns, one folder a field, each with a rig that its dry-run finishes on."""

__all__: list[str] = []
