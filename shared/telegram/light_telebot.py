"""Imports telebot without `requests` and Pillow, which it imports for features that are not used here.

They are half of telebot's import (docs/performance.md). Every call of ours goes through `shared.core.http`
(api.py). This module must be imported before telebot.
"""

from __future__ import annotations

from types import ModuleType

from shared.core.light_imports import Later, Never, import_with


def _stubs() -> dict[str, ModuleType | None]:
    requests, exceptions, adapters = (
        Later(name) for name in ("requests", "requests.exceptions", "requests.adapters")
    )
    vars(exceptions).update(HTTPError=Never, ConnectionError=Never, Timeout=Never)
    vars(adapters).update(HTTPAdapter=object)
    return {
        "requests": requests,
        "requests.exceptions": exceptions,
        "requests.adapters": adapters,
        "requests.packages.urllib3": None,  # None: an import of it fails, which telebot allows for
        "PIL": None,
    }


import_with("telebot", _stubs())
