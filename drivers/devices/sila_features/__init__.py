"""One SiLA 2 server, by the features that the rig file names."""

from drivers.devices.sila_features.driver import SilaFeatures

__all__ = ["SilaFeatures"]
