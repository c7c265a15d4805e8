"""Any device whose Modbus registers the rig file names."""

from drivers.devices.modbus_registers.driver import ModbusRegisters

__all__ = ["ModbusRegisters"]
