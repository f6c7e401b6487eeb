"""The process of the fork server (see fork_server.py). It imports `startup` before all of `tools`."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import pkgutil
import signal
import socket
import sys
import threading
from multiprocessing import connection, reduction
from typing import NoReturn


def _import_all() -> None:
    """Import what functions import: `startup` first, as it asks, and nothing that reads the environment."""
    for name in ("shared.core.startup", "tools.emulator.function_process", "tests.sql_results"):
        importlib.import_module(name)
    shared = importlib.import_module("shared")
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        importlib.import_module(module.name)


def _fork_on_request(client: connection.Connection) -> tuple[list[str], dict[str, str]]:
    """Fork a process for each request; return in the forked one, with its arguments and environment."""
    child_exited, signal_writer = socket.socketpair()
    for end in (child_exited, signal_writer):
        end.setblocking(False)
    signal.set_wakeup_fd(signal_writer.fileno())
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    while True:
        ready = connection.wait([client, child_exited])
        if child_exited in ready:
            child_exited.recv(4096)
            _report_exits(client)
        if client not in ready:
            continue
        try:
            arguments, environment = client.recv()
        except EOFError:
            os._exit(0)
        output = reduction.recv_handle(client)
        pid = os.fork()
        if pid == 0:
            break
        _start_own_group(pid)
        os.close(output)
        client.send(("started", pid))
    _start_own_group(0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for end in (client, child_exited, signal_writer):
        end.close()
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    return arguments, environment


def _report_exits(client: connection.Connection) -> None:
    while True:
        try:
            pid, _status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        client.send(("ended", pid))


def _start_own_group(pid: int) -> None:
    """Let a process lead a group of its own. Both sides do, so it has one after either."""
    try:
        os.setpgid(pid, pid)
    except (PermissionError, ProcessLookupError):
        return  # it has one, or it has ended


def _exit(status: int) -> NoReturn:
    """Exit as Python does, but leave the modules: their destruction takes longer than all the rest."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    os._exit(status)


def main() -> None:
    """Import, then fork on request; in each forked process run the function and exit with its status."""
    _import_all()
    gc.collect()
    gc.freeze()  # a collection would write to every object, and pages written to are no longer shared
    arguments, environment = _fork_on_request(connection.Connection(os.dup(0)))
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = arguments
    from tools.emulator import function_process

    try:
        function_process.main()
    except SystemExit as end:
        _exit(end.code if isinstance(end.code, int) else 0 if end.code is None else 1)


if __name__ == "__main__":
    main()
