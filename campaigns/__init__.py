"""What we want: the campaign file, checked once at the door and frozen."""
