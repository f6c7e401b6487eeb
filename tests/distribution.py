"""Distributes test files among the workers of a run (pytest-xdist)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

# Their tests share a stack of the package; on several workers each would start one.
PACKAGES = ("tests/tools/emulator/control/",)
# Files so long that one worker would end after all others. Each of their functions may go to another worker.
LONG_FILES = ("tests/stories/test_statements.py", "tests/tools/database/test_kills.py")
# About how long a test takes, in seconds, by the beginning of its address; the first that fits counts.
SECONDS = {
    "tests/stories/test_statements.py": 10.0,
    "tests/supabase/privacy/test_ai_canaries.py": 6.0,
    "tests/tools/database/test_supabase_client.py": 5.0,
    "tests/core/test_light_psycopg.py": 5.0,
    "tests/stories/test_xp_board.py": 4.0,
    "tests/stories/test_disputes.py": 2.5,
    "tests/stories/test_summaries.py": 2.5,
    "tests/supabase/quiz/test_retention.py": 2.0,
    "tests/fuzz/": 2.0,
    "tests/stories/": 1.2,
    "tests/tools/launcher/": 0.4,
}
SLOW = 3.0
DATABASE = 1.0
WITH_STACK = 0.3
OTHER = 0.05


def sort_longest_first(items: list[pytest.Item]) -> None:
    """Sort the files by their length, so that no worker begins a long one when the others have ended."""
    lengths: defaultdict[str, float] = defaultdict(float)
    for item in items:
        lengths[scope(item.nodeid)] += _seconds(item)
    items.sort(key=lambda item: (-lengths[scope(item.nodeid)], scope(item.nodeid)))


def scope(nodeid: str) -> str:
    """Return the name of what runs on one worker: a file, but of those above more or less than that."""
    for package in PACKAGES:
        if nodeid.startswith(package):
            return package
    if nodeid.startswith(LONG_FILES):
        return nodeid.partition("[")[0]
    return nodeid.partition("::")[0]


def scheduling(config: pytest.Config, log: Any) -> Any:
    """Return a scheduler that hands out the scopes in the order in which they were collected."""
    from xdist.scheduler import LoadFileScheduling  # a run in one process does not need it

    class FileScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types for mypy
        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)

        def remove_node(self, node: Any) -> str | None:
            """Return the test in which a worker died, and give its other tests to the others.

            xdist would run the test again, in the worker that replaces this one, which would die of it, too.
            """
            left = self.assigned_work.pop(node)
            waiting = [
                (tests, test) for tests in left.values() for test, is_done in tests.items() if not is_done
            ]
            if not waiting:
                return None
            tests, died_in = waiting[0]
            tests[died_in] = True
            self.workqueue.update({name: tests for name, tests in left.items() if not all(tests.values())})
            for other in self.nodes:
                self._reschedule(other)
            return died_in

        def schedule(self) -> None:
            """Give tests to the workers.

            A worker runs its last test once it knows that none follows. xdist says so to those that have done
            one, so a worker that comes later and gets a single test would wait for ever.
            """
            super().schedule()
            if not self.workqueue:
                for node in self.nodes:
                    node.shutdown()

    config.option.loadscopereorder = False  # xdist's own order is by the number of tests
    return FileScheduling(config, log)


def _seconds(item: pytest.Item) -> float:
    for beginning, seconds in SECONDS.items():
        if item.nodeid.startswith(beginning):
            return seconds
    if item.get_closest_marker("slow"):
        return SLOW
    if item.get_closest_marker("database"):
        return DATABASE
    return WITH_STACK if "stack" in getattr(item, "fixturenames", ()) else OTHER
