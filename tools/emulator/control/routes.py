"""Finds what answers a path of the HTTP API.

A handler's docstring and the descriptions of its model's fields are its reference in docs/emulator.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from tools.emulator.control.bodies import Fields, read

Json = dict[str, Any]
Handler = Callable[[Json], Json]  # takes the query or the body
F = TypeVar("F", bound=Fields)


@dataclass(frozen=True)
class Route(Generic[F]):
    """A handler, with the model of the query or body that it takes."""

    fields: type[F]
    handle: Callable[[F], Json]

    def __call__(self, given: Json) -> Json:
        """Answer a request; raises Refused for fields that do not fit the model."""
        return self.handle(read(self.fields, given))


Routes = Mapping[str, Route[Any]]


class Part(Protocol):
    """A group of routes: their paths below /api/. A last part `<name>` becomes a field of that name."""

    get: Routes
    post: Routes


class RouteTable:
    """The routes of all parts."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._routes: dict[tuple[str, str], Route[Any]] = {}
        for part in parts:
            self._routes |= {("GET", path): route for path, route in part.get.items()}
            self._routes |= {("POST", path): route for path, route in part.post.items()}
        self._open: dict[tuple[str, str], tuple[str, Route[Any]]] = {}
        for (method, path), route in self._routes.items():
            folder, _, last = path.rpartition("/")
            if last.startswith("<"):
                self._open[(method, folder)] = (last.strip("<>"), route)

    def find(self, method: str, path: str) -> Handler | None:
        """Return what answers a method and a path below /api/; None when nothing does."""
        if found := self._routes.get((method, path)):
            return found
        folder, _, last = path.rpartition("/")
        if (method, folder) not in self._open:
            return None
        name, route = self._open[(method, folder)]
        return lambda fields: route(fields | {name: last})

    def __iter__(self) -> Iterator[tuple[str, str, Route[Any]]]:
        for (method, path), route in self._routes.items():
            yield method, f"/api/{path}", route
