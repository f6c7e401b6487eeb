"""Import a library without modules that it imports for features that are not used here.

Every cold start would pay for them (docs/performance.md). Stubs take their places while the library is
imported; later imports get the real modules.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from types import ModuleType


class Later(ModuleType):
    """A stub that imports its module when an attribute is used."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


class Never(Exception):
    """A stub for a class that is never used."""

    def __class_getitem__(cls, _item: object) -> type[Never]:
        return cls


def import_with(library: str, stubs: Mapping[str, ModuleType | None]) -> None:
    """Import a library with stubs in place of other modules, unless they or it are imported already.

    Where a stub is None, an import of the module fails.
    """
    if library in sys.modules:
        return
    placed = {name: stub for name, stub in stubs.items() if name not in sys.modules}
    sys.modules.update(placed)  # type: ignore[arg-type]  # None is allowed
    try:
        importlib.import_module(library)
    finally:
        for name in placed:
            sys.modules.pop(name, None)
