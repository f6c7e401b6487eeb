"""Distributes test files among the workers of a run (pytest-xdist)."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

# Their tests share a stack of the package; on several workers each would start one.
PACKAGES = ("tests/tools/emulator/control/",)


class FileScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types for mypy
    """Runs the tests of a file on one worker, those with a stack of their package together."""

    def _split_scope(self, nodeid: str) -> str:
        for package in PACKAGES:
            if nodeid.startswith(package):
                return package
        return str(super()._split_scope(nodeid))
