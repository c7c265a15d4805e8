"""One Opentrons OT-2 or Flex."""

from drivers.devices.opentrons_robot.driver import OpentronsRobot

__all__ = ["OpentronsRobot"]
