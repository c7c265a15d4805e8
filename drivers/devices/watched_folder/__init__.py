"""A folder into which another program drops its results."""

from drivers.devices.watched_folder.driver import WatchedFolder

__all__ = ["WatchedFolder"]
