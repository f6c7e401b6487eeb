"""What a function's process does once, when its modules are imported."""

from __future__ import annotations

import gc
from contextlib import suppress

from shared import log, server
from shared.config import settings
from shared.errors import ConfigError


def started(function: str, admits: server.Admits | None = None) -> None:
    """Set up the log and the HTTP server, and spare what was imported from the garbage collector.

    `admits` says by path and headers whether a body is worth waiting for (shared/server.py).

    gunicorn forks after this. A collection touches every object it knows, and a page that is touched is no
    longer shared: after some seconds of work that was a fifth more memory (docs/performance.md).
    """
    log.capture_libraries()
    server.install(function, admits)
    _say_without_database()
    gc.freeze()


def _say_without_database() -> None:
    with suppress(ConfigError):  # the first request names what is wrong
        if not settings().database_enabled:
            log.warning("running without a database: DB_ENABLED=false", action="database_disabled")
