"""Tells a taken port before minutes go into an installation."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Sequence

from tools.launcher.errors import LauncherError

PAGE, DATABASE = 8080, 54322


def check(arguments: Sequence[str]) -> None:
    """Raise LauncherError when a port that the emulator would take is in use.

    Reads `--port` and `--database-port` and leaves every other argument, and wrong numbers, to the emulator.
    """
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=PAGE)
    parser.add_argument("--database-port", type=int, default=DATABASE)
    try:
        ports, _ = parser.parse_known_args(arguments)
    except (argparse.ArgumentError, ValueError):
        return
    for option, port in (("--port", ports.port), ("--database-port", ports.database_port)):
        if not is_free(port):
            raise LauncherError(
                f"Port {port} is taken. Stop the program that uses it, or choose another port: "
                f"./switchboard up {option} {port + 1}"
            )


def is_free(port: int) -> bool:
    """Return whether 127.0.0.1:`port` can be listened on; a number that is no port counts as free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OverflowError:
            return True
        except OSError:
            return False
        return True
