"""Imports psycopg and its pool without asyncio and other modules that connections of threads do not need.

They are a fifth of its import (docs/performance.md). Its asynchronous classes cannot be used in a process
that imports this module, which only `shared.core.startup` does. asyncio itself can.
"""

from __future__ import annotations

import ctypes
from types import ModuleType

from shared.core.light_imports import Later, Never, import_with

_CLASSES = ("CancelledError", "Condition", "Event", "Future", "Lock", "Queue", "Task")
_POOLS = {
    "psycopg_pool.null_pool": ("NullConnectionPool",),
    "psycopg_pool.pool_async": ("AsyncConnectionPool",),
    "psycopg_pool.null_pool_async": ("AsyncNullConnectionPool",),
}


def _stubs() -> dict[str, ModuleType | None]:
    asyncio = Later("asyncio")
    vars(asyncio).update(dict.fromkeys((*_CLASSES, "get_running_loop", "sleep"), Never))
    return {"asyncio": asyncio, "ctypes.util": _ctypes_util()}


def _pool_stubs() -> dict[str, ModuleType | None]:
    stubs: dict[str, ModuleType | None] = {}
    for name, classes in _POOLS.items():
        stub = ModuleType(name)
        vars(stub).update(dict.fromkeys(classes, Never))
        stubs[name] = stub
    return stubs


def _ctypes_util() -> ModuleType:
    """Return a stub that finds libpq where no binary of psycopg exists: imported with the first use."""
    stub = Later("ctypes.util")
    if not hasattr(ctypes, "util"):
        vars(ctypes)["util"] = stub
    return stub


import_with("psycopg", _stubs())
import_with("psycopg_pool", _stubs() | _pool_stubs())
