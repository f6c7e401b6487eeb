"""Restarts the functions when their source changes.

Looks at modification times itself: functions-framework's own reload depends on one major version of another
package, and a process that is started anew is what a deployment does as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

INTERVAL_SECONDS = 0.7
SUFFIXES = frozenset({".py", ".json", ".sql", ".md", ".txt"})

Snapshot = dict[Path, int]


class Watcher:
    """Calls `changed(paths)` after files below the folders were changed, added or removed."""

    def __init__(self, folders: Iterable[Path], changed: Callable[[set[Path]], None]) -> None:
        self._folders = tuple(folders)
        self._changed = changed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stopping.set()

    def _watch(self) -> None:
        before = self._snapshot()
        while not self._stopping.wait(INTERVAL_SECONDS):
            now = self._snapshot()
            if now == before:
                continue
            # An editor or a checkout writes several files, so wait until they stop changing.
            while (later := self._snapshot_after_pause()) != now:
                now = later
            differing = {path for path in now.keys() | before.keys() if now.get(path) != before.get(path)}
            before = now
            self._changed(differing)

    def _snapshot_after_pause(self) -> Snapshot:
        self._stopping.wait(0.2)
        return self._snapshot()

    def _snapshot(self) -> Snapshot:
        found: Snapshot = {}
        for folder in self._folders:
            for path in folder.rglob("*"):
                if path.suffix in SUFFIXES and "__pycache__" not in path.parts:
                    try:
                        found[path] = path.stat().st_mtime_ns
                    except OSError:
                        continue
        return found
