"""Asks before the emulator's data is deleted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tools.launcher.errors import LauncherError

QUESTION = "Delete all users, chats and payments of the emulator on this machine (.switchboard)? [y/N] "


def confirm(typed: Sequence[str]) -> None:
    """Raise LauncherError unless the deletion is confirmed.

    On a terminal the question is asked. Without one there is no answer, so `--yes` is required: a script that
    deletes data has to say so.
    """
    yes, rest = _split(typed)
    if yes or {"-h", "--help"} & set(rest):
        return
    if not sys.stdin.isatty():
        raise LauncherError("reset deletes the emulator's data. Without a terminal it needs --yes.")
    if input(QUESTION).strip().lower() not in ("y", "yes"):
        raise LauncherError("Nothing was deleted.")


def arguments(typed: Sequence[str]) -> list[str]:
    """Return the emulator's arguments: all but our own `--yes`, and `--reset`."""
    return [*_split(typed)[1], "--reset"]


def _split(typed: Sequence[str]) -> tuple[bool, list[str]]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--yes", "-y", action="store_true")
    own, rest = parser.parse_known_args(typed)
    return own.yes, rest
