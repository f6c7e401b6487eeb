"""The emulator's HTTP API, which the page, the command line and tests use.

GET answers questions, POST changes something; a refusal is {"error": sentence} with status 400.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tools.emulator import guard
from tools.emulator.control.bodies import Refused, load_json
from tools.emulator.control.bot_api_faults import BotApiFaultRoutes
from tools.emulator.control.chat_finder import ChatFinder
from tools.emulator.control.chats import ChatRoutes
from tools.emulator.control.deliveries import Deliveries
from tools.emulator.control.functions import FunctionRoutes
from tools.emulator.control.inline import InlineRoutes
from tools.emulator.control.logs import Logs
from tools.emulator.control.mini_apps import MiniAppRoutes
from tools.emulator.control.overview import OverviewRoutes
from tools.emulator.control.owner import OwnerDatabase
from tools.emulator.control.payment_faults import PaymentFaultRoutes
from tools.emulator.control.routes import Json, Route, RouteTable
from tools.emulator.control.sql_functions import SqlFunctions
from tools.emulator.control.stars import StarsRoutes
from tools.emulator.control.switches import SwitchRoutes
from tools.emulator.control.tables import Tables
from tools.emulator.control.time_travel import TimeTravel
from tools.emulator.control.users import UserRoutes
from tools.emulator.control.waterfall import Waterfalls
from tools.emulator.parts import Parts
from tools.emulator.web import Request, Response, json_response


class Api:
    """All routes below /api/. A new group of routes is one more entry in the table."""

    def __init__(self, parts: Parts, owner_url: str | None, cannot_move: str = "") -> None:
        """Build all routes. `owner_url` enables clock and tables; `cannot_move` disables the clock."""
        self._parts = parts
        owner = OwnerDatabase(owner_url) if owner_url else None
        self.time_travel = TimeTravel(parts, owner, cannot_move)
        self.logs = Logs(parts.trace)
        telegram, chats = parts.telegram, ChatFinder(parts.telegram)
        deliveries = Deliveries(telegram, parts.payments, parts.trace)
        self._table = RouteTable(
            (
                OverviewRoutes(parts, self.time_travel),
                ChatRoutes(telegram, chats),
                InlineRoutes(telegram, chats),
                StarsRoutes(telegram, chats),
                MiniAppRoutes(telegram, chats),
                UserRoutes(telegram, chats),
                BotApiFaultRoutes(telegram, chats, parts.trace),
                SwitchRoutes(parts.switches, parts.trace),
                FunctionRoutes(parts.functions, parts.scheduler, parts.trace),
                self.time_travel,
                deliveries,
                Waterfalls(parts.trace, deliveries),
                self.logs,
                PaymentFaultRoutes(parts.payments, parts.switches, parts.trace),
                Tables(owner),
                SqlFunctions(owner),
            )
        )

    def handle(self, request: Request) -> Response | None:
        """Answer one request; None when its path is not the API's."""
        if not request.path.startswith("/api/"):
            return None
        refusal = guard.check_origin(request)
        if refusal is not None:
            return refusal
        try:
            return self._respond(request)
        except Refused as refused:
            return json_response({"error": str(refused)}, 400)
        except (
            RecursionError
        ):  # a text inside the body holds JSON, or the body is as deep as Python can parse
            return json_response({"error": "The body has too many levels."}, 400)

    def routes(self) -> Iterator[tuple[str, str, Route[Any] | Callable[..., Response]]]:
        """List every route: method, path, and what answers it, whose docstring documents it."""
        yield "GET", "/api/events", self._events
        yield "GET", "/api/files/<id>", self._file
        yield from self._table

    def _respond(self, request: Request) -> Response:
        if request.method == "GET" and request.path == "/api/events":
            return self._events(request)
        if request.method == "GET" and request.path.startswith("/api/files/"):
            return self._file(request.path.removeprefix("/api/files/"))
        handler = self._table.find(request.method, request.path.removeprefix("/api/"))
        if handler is None:
            return json_response({"error": f"The emulator knows no {request.method} {request.path}."}, 404)
        return json_response(handler(_query(request) if request.method == "GET" else _body(request)))

    def _events(self, request: Request) -> Response:
        """Stream what happens as server-sent events; Last-Event-ID, or `after`, replays what was missed."""
        last = request.headers.get("last-event-id") or request.arguments().get("after", "")
        stream = self._parts.events.stream(int(last) if last.isdigit() else None)
        return Response(200, stream, "text/event-stream", {"Cache-Control": "no-store"})

    def _file(self, unique_id: str) -> Response:
        """Return the bytes of a file of a chat, by its file_unique_id."""
        file = self._parts.telegram.state.files.by_unique_id(unique_id)
        if file is None or file.content is None:
            return json_response({"error": "There is no such file."}, 404)
        # The file comes from a bot: the browser must not execute it on this origin.
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        }
        return Response(200, file.content, file.mime_type, headers | {"Cache-Control": "max-age=86400"})


def _query(request: Request) -> Json:
    """Return the fields of the query; an empty one is as good as left out."""
    return {name: value for name, value in request.arguments().items() if value}


def _body(request: Request) -> Json:
    try:
        body = load_json(request.body or b"null")
    except ValueError:
        body = []
    if not isinstance(body, dict | None):
        raise Refused("The body must be a JSON object.")
    return body or {}
