"""Start a function's process. Import this module before any other module of `shared`.

Garbage collection pauses until everything is imported: objects of modules stay alive, and scanning them again
and again took a fifth of the time of all imports (docs/performance.md).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from contextlib import suppress

gc.disable()

from shared.core import light_psycopg  # noqa: E402 - garbage collection would slow it down

__all__ = ["complete", "light_psycopg"]


def complete(function: str, admits: Callable[[str, Mapping[str, str]], bool] | None = None) -> None:
    """Set up the log and the HTTP server, and exclude imported objects from garbage collection.

    gunicorn forks after this. A collection writes to every object it tracks, and a memory page that is
    written to is no longer shared: a fifth more memory after some seconds of work (docs/performance.md).

    Args:
        function: the name of the function.
        admits: decides by path and headers whether the body of a request is received (shared/core/server.py).
    """
    from shared.core import log, server

    log.capture_libraries()
    server.install(function, admits)
    _warn_without_database()
    gc.freeze()
    gc.enable()


def _warn_without_database() -> None:
    from shared.core import log
    from shared.core.config import settings
    from shared.core.errors import ConfigError

    with suppress(ConfigError):  # the first request reports the setting
        if not settings().database_enabled:
            log.warning("running without a database: DB_ENABLED=false", action="database_disabled")
