"""Russian texts."""

TEXTS = {"command_count": "Считать"}
