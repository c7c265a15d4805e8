"""From a recipe to what instruments do, and from what they read to an observation."""
