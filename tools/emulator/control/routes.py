"""Finds what answers a path of the HTTP API.

A handler's docstring is its reference in docs/emulator.md: a sentence, then one line for each field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

Json = dict[str, Any]
Handler = Callable[[Json], Json]  # takes the query or the body


class Part(Protocol):
    """A group of routes: their paths below /api/. A last part `<name>` becomes a field of that name."""

    get: dict[str, Handler]
    post: dict[str, Handler]


class RouteTable:
    """The routes of all parts."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._routes: dict[tuple[str, str], Handler] = {}
        for part in parts:
            self._routes |= {("GET", path): handler for path, handler in part.get.items()}
            self._routes |= {("POST", path): handler for path, handler in part.post.items()}
        self._open: dict[tuple[str, str], tuple[str, Handler]] = {}
        for (method, path), handler in self._routes.items():
            folder, _, last = path.rpartition("/")
            if last.startswith("<"):
                self._open[(method, folder)] = (last.strip("<>"), handler)

    def find(self, method: str, path: str) -> Handler | None:
        """Return what answers a method and a path below /api/; None when nothing does."""
        if found := self._routes.get((method, path)):
            return found
        folder, _, last = path.rpartition("/")
        if (method, folder) not in self._open:
            return None
        name, handler = self._open[(method, folder)]
        return lambda fields: handler(fields | {name: last})

    def __iter__(self) -> Iterator[tuple[str, str, Handler]]:
        for (method, path), handler in self._routes.items():
            yield method, f"/api/{path}", handler
