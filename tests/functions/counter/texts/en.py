"""English texts."""

TEXTS = {"command_count": "Count"}
