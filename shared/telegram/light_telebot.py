"""Imports telebot without `requests` and Pillow, which it imports for features that are not used here.

They are half of telebot's import (docs/performance.md), and every cold start would pay for them. Every call
of ours goes through `shared.core.http` (api.py), so stubs take their places while telebot is imported;
later imports of `requests` or Pillow get the real modules. This module must be imported before telebot.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """A stub that imports its module when an attribute is used."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


class _Never(Exception):
    """A stub for the exceptions of `requests`, which are never raised."""


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
