"""Any device whose values stand behind a REST API that the rig file describes."""

from drivers.devices.rest_values.driver import RestValues

__all__ = ["RestValues"]
