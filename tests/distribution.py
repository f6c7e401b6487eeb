"""Distributes test files among the workers of a run (pytest-xdist)."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

# Their tests share a stack of the package; on several workers each would start one.
PACKAGES = ("tests/tools/emulator/control/",)
# Files so long that one worker would end after all others. Each of their functions may go to another worker.
LONG_FILES = ("tests/stories/test_statements.py", "tests/tools/database/test_kills.py")


class FileScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types for mypy
    """Runs the tests of a file on one worker, but of the files above more or less than that together."""

    def _split_scope(self, nodeid: str) -> str:
        for package in PACKAGES:
            if nodeid.startswith(package):
                return package
        if nodeid.startswith(LONG_FILES):
            return nodeid.partition("[")[0]
        return str(super()._split_scope(nodeid))
