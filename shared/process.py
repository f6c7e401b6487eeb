"""What a function's process does once, when its modules are imported."""

from __future__ import annotations

import gc

from shared import log, server


def started() -> None:
    """Set up the log and the HTTP server, and spare what was imported from the garbage collector.

    gunicorn forks after this. A collection touches every object it knows, and a page that is touched is no
    longer shared: after some seconds of work that was a fifth more memory (docs/performance.md).
    """
    log.capture_libraries()
    server.install()
    gc.freeze()
