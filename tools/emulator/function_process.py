"""Starts a function as `python -m functions_framework` does, with the emulator's hooks.

The wall clock follows the file named by EMULATOR_CLOCK, which holds the seconds to add. Outgoing calls carry
the trace id of the update or callback they are made for, so that the fake servers record them under it. A
stopping function waits STOP_LINGER_SECONDS for a request on a connection that was kept, which the emulator,
unlike Cloud Run's front end, does not send. Tokens of tasks are verified with the emulator's certificates. A
deployed function has none of these hooks: this module is no part of `shared`, and only the emulator starts
it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from functions_framework._cli import _cli
from gunicorn.workers import gthread

from shared.core import clock, http, log
from tools.emulator.clock import CLOCK_VARIABLE, TRACE_HEADER

CERTIFICATES_VARIABLE = "EMULATOR_CERTIFICATES"  # the address of those that verify the tokens of tasks

STOP_LINGER_SECONDS = 0.1  # gunicorn: 2 s


def follow_clock(file: Path) -> None:
    """Let this process read the wall clock with the offset in `file`; a file that is gone means none."""

    def timestamp() -> float:
        try:
            return time.time() + float(file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return time.time()

    clock.timestamp = timestamp
    clock.now = lambda: datetime.fromtimestamp(clock.timestamp(), UTC)


def trust(certificates: str) -> None:
    """Let tokens be verified with the certificates of the fake Cloud Tasks instead of Google's."""
    from shared.scheduled import authorization

    fetch = authorization._fetch
    authorization._fetch = lambda method, url: fetch(method, certificates)


def mark_calls(head: Callable[[str, Mapping[str, str], int], bytes]) -> Callable[..., bytes]:
    """Wrap the writer of request heads: add the trace id of the request this thread works on."""

    def marked(first_lines: str, headers: Mapping[str, str], length: int) -> bytes:
        trace = log.trace_id()
        return head(first_lines, {**headers, TRACE_HEADER: trace} if trace else headers, length)

    return marked


def main() -> None:
    """Install the hooks, then serve the function as functions-framework does."""
    if file := os.environ.get(CLOCK_VARIABLE):
        follow_clock(Path(file))
    if certificates := os.environ.get(CERTIFICATES_VARIABLE):
        trust(certificates)
    http._head = mark_calls(http._head)
    gthread.STOP_KEEPALIVE_LINGER = STOP_LINGER_SECONDS
    _cli(prog_name="python -m functions_framework")


if __name__ == "__main__":
    main()
