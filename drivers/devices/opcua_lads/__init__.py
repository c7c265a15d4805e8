"""One functional unit of a LADS device, over OPC UA."""

from drivers.devices.opcua_lads.driver import OpcuaLads

__all__ = ["OpcuaLads"]
