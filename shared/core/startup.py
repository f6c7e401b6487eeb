"""What a function's process does once, when its modules are imported.

Import it before any other module of `shared`.

Garbage collection pauses until everything is imported: the objects of modules stay, and looking through them
again and again took a fifth of the time of all imports (docs/performance.md).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from contextlib import suppress

gc.disable()


def complete(function: str, admits: Callable[[str, Mapping[str, str]], bool] | None = None) -> None:
    """Set up the log and the HTTP server, and spare what was imported from the garbage collector.

    `admits` says by path and headers whether a body is worth waiting for (shared/core/server.py).

    gunicorn forks after this. A collection touches every object it knows, and a page that is touched is no
    longer shared: after some seconds of work that was a fifth more memory (docs/performance.md).
    """
    from shared.core import log, server

    log.capture_libraries()
    server.install(function, admits)
    _say_without_database()
    gc.freeze()
    gc.enable()


def _say_without_database() -> None:
    from shared.core import log
    from shared.core.config import settings
    from shared.core.errors import ConfigError

    with suppress(ConfigError):  # the first request names what is wrong
        if not settings().database_enabled:
            log.warning("running without a database: DB_ENABLED=false", action="database_disabled")
