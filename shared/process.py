"""What a function's process does once, when its modules are imported."""

from __future__ import annotations

import gc

from shared import log, server


def started(function: str, admits: server.Admits | None = None) -> None:
    """Set up the log and the HTTP server, and spare what was imported from the garbage collector.

    `admits` says by path and headers whether a body is worth waiting for (shared/server.py).

    gunicorn forks after this. A collection touches every object it knows, and a page that is touched is no
    longer shared: after some seconds of work that was a fifth more memory (docs/performance.md).
    """
    log.capture_libraries()
    server.install(function, admits)
    gc.freeze()
