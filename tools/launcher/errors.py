"""What ends a command with one line."""


class LauncherError(Exception):
    """The command cannot run; the message says why and what to do."""
