"""The page's JSON API: what it shows and what its buttons do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from shared.scheduled.jobs import JOBS
from tools.emulator import guard
from tools.emulator.actions import Actions
from tools.emulator.bodies import Refused, required
from tools.emulator.control.routes import Control
from tools.emulator.telegram.methods.profile import shown_commands
from tools.emulator.telegram.model import BotAccount, Json
from tools.emulator.telegram.state import channel_json, group_json, user_json
from tools.emulator.web import Request, Response, json_response

if TYPE_CHECKING:
    from tools.emulator.stack import Stack

VERSION = 1


class Api:
    """GET answers questions, POST does things; a refusal is {"error": sentence} with 400."""

    def __init__(self, stack: Stack, control: Control) -> None:
        self._stack = stack
        self._control = control
        self._actions = Actions(stack)
        self._get: dict[str, Callable[[Json], Json]] = {
            "/api/state": self._state,
            "/api/trace": self._trace,
        } | {f"/api/{name}": question for name, question in self._actions.get.items()}

    def handle(self, request: Request) -> Response | None:
        """One request, or None when its path is not the API's."""
        if not request.path.startswith("/api/"):
            return None
        refusal = guard.check_origin(request)
        if refusal is not None:
            return refusal
        try:
            return self._respond(request)
        except Refused as refused:
            return json_response({"error": str(refused)}, 400)

    def _respond(self, request: Request) -> Response:
        if request.method == "GET" and request.path == "/api/events":
            return self._events(request)
        if request.method == "GET" and request.path.startswith("/api/files/"):
            return self._file(request.path.removeprefix("/api/files/"))
        path = request.path.removeprefix("/api/")
        question = self._get.get(request.path) or self._control.named("GET", path)
        if request.method == "GET" and question:
            return json_response(question(dict(request.arguments())))
        action = self._actions.named(path) or self._control.named("POST", path)
        if request.method == "POST" and action:
            return json_response(action(_body(request)))
        return json_response({"error": f"The emulator knows no {request.method} {request.path}."}, 404)

    def routes(self) -> Iterator[tuple[str, str, Callable[..., Any]]]:
        """List every route: method, path, and what answers it, whose docstring says how."""
        yield from (("GET", path, question) for path, question in self._get.items())
        yield "GET", "/api/events", self._events
        yield "GET", "/api/files/<id>", self._file
        yield from (("POST", f"/api/{name}", action) for name, action in self._actions.post.items())
        yield "POST", "/api/jobs/<name>", self._actions.run_job
        yield from self._control.routes()

    def _state(self, query: Json) -> Json:
        """Return users, bots, groups, channels, functions, jobs, and what goes wrong on request."""
        state = self._stack.telegram.state
        with state.lock:
            return {
                "users": [user_json(user) for user in state.users.values()],
                "bots": [bot_json(bot) for bot in state.bots.values()],
                "groups": [group_json(room) for room in state.groups.values()],
                "channels": [channel_json(room) for room in state.channels.values()],
                "functions": [
                    {"name": one.name, "state": one.state} for one in self._stack.functions.values()
                ],
                "admins": self._admins(),
                "jobs": self._jobs(),
                "clock": self._control.time_travel.state(),
                "switches": self._stack.switches,
                "faults": [fault.json() for fault in self._stack.telegram.faults.all()],
                "version": VERSION,
            }

    def _admins(self) -> list[int]:
        """Return the Telegram ids of the bots' admins."""
        return [int(word) for word in self._stack.env.get("ADMIN_TELEGRAM_IDS", "").split(",") if word]

    def _jobs(self) -> list[Json]:
        if "scheduled" not in self._stack.functions:
            return []
        return [{"name": name, "about": job.about, "schedule": job.schedule} for name, job in JOBS.items()]

    def _trace(self, query: Json) -> Json:
        """Return what happened: deliveries, SQL, AI and Bot API calls, log lines, oldest first.

        limit: only the newest so many
        """
        return {"events": self._stack.trace.events(int(query.get("limit") or 0) or None)}

    def _events(self, request: Request) -> Response:
        """Stream what happens as server-sent events; Last-Event-ID replays what was missed.

        after: the same, for a client that cannot set a header
        """
        last = request.headers.get("last-event-id") or request.arguments().get("after", "")
        stream = self._stack.events.stream(int(last) if last.isdigit() else None)
        return Response(200, stream, "text/event-stream", {"Cache-Control": "no-store"})

    def _file(self, unique_id: str) -> Response:
        """Return the bytes of a file of a chat, by its file_unique_id."""
        file = self._stack.telegram.state.files.by_unique_id(unique_id)
        if file is None or file.content is None:
            return json_response({"error": "There is no such file."}, 404)
        # A bot's file is not the page's: whatever it holds, the browser must not run it here.
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        }
        return Response(200, file.content, file.mime_type, headers | {"Cache-Control": "max-age=86400"})


def bot_json(bot: BotAccount) -> Json:
    """A bot as the page shows it."""
    return {
        "name": bot.name,
        "username": bot.username,
        "first_name": bot.texts.get("name:") or bot.first_name,
        "descriptions": _by_language(bot, "description") | _by_language(bot, "short_description"),
        "commands": {"": [], **shown_commands(bot.commands)},
    }


def _by_language(bot: BotAccount, name: str) -> dict[str, str]:
    """One of the bot's texts by language code, "" being everybody else's; empty ones are none."""
    texts = ((key.partition(":"), text) for key, text in bot.texts.items())
    return {language: text for (kind, _, language), text in texts if kind == name and text}


def _body(request: Request) -> Json:
    try:
        body: Any = request.json()
    except ValueError:
        body = None
    return required(body if body is not None else {}, dict, "The body must be a JSON object.")
