"""Imports telebot without `requests` and Pillow, which it loads for what we never let it do.

They are half of telebot's import (docs/performance.md), and every cold start would pay for them. Every call
of ours goes through `shared.core.http` (api.py), so stubs take their places while telebot is imported;
afterwards whoever imports `requests` or Pillow gets the real one. Importing this module, before telebot, is
all it takes.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module until something of it is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


class _Never(Exception):
    """Stands for the errors of `requests`, which nobody raises."""


def _stub_modules() -> dict[str, ModuleType | None]:
    requests, exceptions, adapters = (
        _Later(name) for name in ("requests", "requests.exceptions", "requests.adapters")
    )
    vars(exceptions).update(HTTPError=_Never, ConnectionError=_Never, Timeout=_Never)
    vars(adapters).update(HTTPAdapter=object)
    return {
        "requests": requests,
        "requests.exceptions": exceptions,
        "requests.adapters": adapters,
        "requests.packages.urllib3": None,  # None: an import of it fails, which telebot allows for
        "PIL": None,
    }


def _import_telebot() -> None:
    if "telebot" in sys.modules:
        return
    stubs: dict[str, Any] = {
        name: module for name, module in _stub_modules().items() if name not in sys.modules
    }
    sys.modules.update(stubs)
    try:
        importlib.import_module("telebot")
    finally:
        for name in stubs:
            sys.modules.pop(name, None)


_import_telebot()
