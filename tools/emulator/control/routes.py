"""The paths of the control API; the docstrings of what answers them are the reference in docs/emulator.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from tools.emulator.control.deliveries import Deliveries
from tools.emulator.control.logs import Logs
from tools.emulator.control.owner import OwnerDatabase
from tools.emulator.control.payment_faults import PaymentFaults
from tools.emulator.control.sql_functions import SqlFunctions
from tools.emulator.control.tables import Tables
from tools.emulator.control.time_travel import TimeTravel
from tools.emulator.control.waterfall import Waterfalls

if TYPE_CHECKING:
    from tools.emulator.stack import Stack

Json = dict[str, Any]
Handler = Callable[[Json], Json]


class Part(Protocol):
    """What answers some of the paths."""

    get: dict[str, Handler]
    post: dict[str, Handler]


class Control:
    """`named` finds what answers a path; a handler takes the query or the body."""

    def __init__(self, stack: Stack, owner_url: str | None, cannot_move: str = "") -> None:
        owner = OwnerDatabase(owner_url) if owner_url else None
        self.time_travel = TimeTravel(stack, owner, cannot_move)
        deliveries = Deliveries(stack)
        self.logs = Logs(stack.trace)
        parts: tuple[Part, ...] = (
            self.time_travel,
            deliveries,
            Waterfalls(stack.trace, deliveries),
            self.logs,
            PaymentFaults(stack),
            Tables(owner),
            SqlFunctions(owner),
        )
        self._routes: dict[tuple[str, str], Handler] = {}
        for part in parts:
            self._routes |= {("GET", path): handler for path, handler in part.get.items()}
            self._routes |= {("POST", path): handler for path, handler in part.post.items()}

    def named(self, method: str, path: str) -> Handler | None:
        """Return what answers a method and a path below /api/; a last part `<id>` becomes the query's id."""
        if found := self._routes.get((method, path)):
            return found
        folder, _, number = path.rpartition("/")
        one = self._routes.get((method, f"{folder}/<id>"))
        return (lambda query: one(query | {"id": number})) if one else None

    def routes(self) -> Iterator[tuple[str, str, Handler]]:
        """List every route: method, path, and what answers it."""
        for (method, path), handler in self._routes.items():
            yield method, f"/api/{path}", handler
