"""The station: the one process that holds a rig's lines, and everybody's ways to speak to it."""
