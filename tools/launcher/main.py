"""Runs one command: checks what must be checked first, prepares the environment, starts the module."""

from __future__ import annotations

import difflib
import errno
import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tools.launcher import environment
from tools.launcher.commands import COMMANDS, Command, overview
from tools.launcher.errors import LauncherError

HELP = ("help", "--help", "-h")
# The conventions of shells: 130 after Ctrl-C, 2 for a wrong call.
INTERRUPTED, WRONG_CALL = 130, 2
# Errors of the machine that the owner can end; their text holds no more than a path.
MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
ERROR_LOG = Path(".switchboard") / "error.log"
OURS = ("shared", "tools", "functions", "tests")


def main(typed: Sequence[str]) -> int:
    """Run what was typed and return the exit status; a failure is one line on stderr, never a traceback."""
    try:
        return _dispatch(list(typed))
    except LauncherError as error:
        print(error, file=sys.stderr)
    except (KeyboardInterrupt, EOFError):
        print("\nStopped. Run the command again to go on.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipeline ended first. Without this, Python complains once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(_machine(error), file=sys.stderr)
    return 1


def _machine(error: OSError) -> str:
    """Return what the machine refused, with what to do where that is known."""
    if error.errno in MACHINE[:2]:
        return "The disk is full. Free 1 GB and run the command again."
    what = f"{error.filename or 'This machine'}: {error.strerror or error}"
    if error.errno in MACHINE[2:]:
        return f"{what}. Use a folder that you may write to."
    return what


def _dispatch(typed: list[str]) -> int:
    if typed[:1] and typed[0] in HELP and len(typed) > 1:
        typed = [typed[1], "--help"]
    if not typed or typed[0] in HELP:
        print(overview())
        return 0
    name, *arguments = typed
    command = COMMANDS.get(name)
    if command is None:
        print(_unknown(name), file=sys.stderr)
        return WRONG_CALL
    return _run(name, command, arguments)


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"There is no command {name}.{hint} ./switchboard lists the commands."


def _run(name: str, command: Command, arguments: list[str]) -> int:
    if command.run is not None and {"-h", "--help"} & set(arguments):
        print(f"usage: ./switchboard {name} {command.usage}".rstrip() + f"\n\n{command.about}")
        return 0
    if command.first is not None:
        command.first(arguments)
    ready = environment.is_ready() or not command.needs_packages(arguments)
    if not ready and command.before_install is not None:
        command.before_install(arguments)
    if command.confirm is not None and not os.environ.pop(_CONFIRMED, ""):
        command.confirm(arguments)
    if not ready:
        environment.prepare()
        _continue_in_environment(name, arguments)
    if command.run is not None:
        return command.run(arguments)
    return _run_module(name, command.module, command.arguments(arguments))


_CONFIRMED = "SWITCHBOARD_CONFIRMED"  # set by us alone: a question is not asked again after an installation


def _continue_in_environment(name: str, arguments: list[str]) -> NoReturn:
    """Replace this process with the Python of .venv, which runs the same command."""
    python = str(environment.PYTHON)
    command = [python, str(Path(__file__).parent), name, *arguments]
    os.execve(python, command, {**os.environ, _CONFIRMED: "1"})  # noqa: S606


def _run_module(name: str, module: str, arguments: Sequence[str]) -> int:
    sys.argv = [f"./switchboard {name}", *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in OURS:
            return _unexpected(name, error)
        environment.forget()
        raise LauncherError(
            f"The package {error.name} is missing. Run the command again to install it."
        ) from None
    except (BrokenPipeError, KeyboardInterrupt, EOFError):
        raise
    except OSError as error:
        if error.errno not in MACHINE:
            return _unexpected(name, error)
        raise
    except Exception as error:
        return _unexpected(name, error)
    return 0


def _unexpected(name: str, error: Exception) -> int:
    """Report an error of our own in one line; the traceback goes to a file for a bug report."""
    if os.environ.get("SWITCHBOARD_DEBUG"):
        traceback.print_exception(error)
        return 1
    log = environment.ROOT / ERROR_LOG
    details = f"The details are in {log}."
    try:
        log.parent.mkdir(exist_ok=True)
        log.touch(mode=0o600)
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        details = "SWITCHBOARD_DEBUG=1 shows the details."
    print(f"{name} failed: {type(error).__name__}. {details}", file=sys.stderr)
    return 1
