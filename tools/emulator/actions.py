"""What the page's buttons do: the routes of the emulator's HTTP API.

The docstrings are the reference in docs/emulator.md: a sentence, then one line for each field.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tools.emulator.ai.behaviour import FAULTS
from tools.emulator.bodies import Refused, number
from tools.emulator.chat_actions import ChatActions
from tools.emulator.chat_finder import ChatFinder
from tools.emulator.fault_actions import FaultActions
from tools.emulator.functions import FunctionFailed
from tools.emulator.stars_actions import StarsActions
from tools.emulator.telegram.model import Json
from tools.emulator.user_actions import UserActions

if TYPE_CHECKING:
    from tools.emulator.functions import Function
    from tools.emulator.stack import Stack

Route = Callable[[Json], Json]


class Actions:
    """One method for each POST; `named` finds it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._telegram = stack.telegram
        chats = ChatFinder(stack)
        parts = [part(stack, chats) for part in (ChatActions, UserActions, StarsActions, FaultActions)]
        self._get: dict[str, Route] = {name: route for part in parts for name, route in part.get.items()}
        self._post: dict[str, Route] = {name: route for part in parts for name, route in part.post.items()}
        self._post |= {"switches": self._switch, "restart": self._restart, "kill": self._kill}

    def named(self, name: str) -> Route | None:
        """The action behind POST /api/<name>."""
        if name.startswith("jobs/"):
            return lambda body: self.run_job(body, name.removeprefix("jobs/"))
        return self._post.get(name)

    @property
    def get(self) -> dict[str, Route]:
        """What answers GET /api/<name>."""
        return self._get

    @property
    def post(self) -> dict[str, Route]:
        """What answers POST /api/<name>."""
        return self._post

    def _switch(self, body: Json) -> Json:
        """Make something go wrong, or right again.

        name: "ai", "database_down", "hold", "lose_response", "deliver_twice" or "forge"
        value: the AI's behaviour, true or false, or how many of the next deliveries
        """
        name, value = str(body.get("name")), body.get("value")
        if name == "ai":
            try:
                self._stack.ai.set_fault(str(value))
            except KeyError:
                raise Refused(f"The AI can be {', '.join(FAULTS)}; not {value}.") from None
        elif name == "database_down":
            self._stack.database.down() if value else self._stack.database.up()
        elif name == "hold":
            self._telegram.hold(bool(value))
        elif name in ("lose_response", "deliver_twice", "forge"):
            self._telegram.faults.arm(name, number(value, "value"))  # type: ignore[arg-type]
        else:
            raise Refused(f"There is no switch named {name}.")
        self._stack.trace.add("fault", f"{name}: {value}", detail={"name": name, "value": value})
        self._stack.publish_faults()
        return {"switches": self._stack.switches}

    def run_job(self, body: Json, job: str) -> Json:
        """Run a job of the scheduled function now, as Cloud Scheduler does."""
        if not re.fullmatch(r"[a-z0-9_-]{1,64}", job):
            raise Refused("A job's name has small letters, digits, - and _.")
        response = self._stack.run_job(job)
        if response.status == 0:
            raise Refused("The function scheduled does not answer.")
        try:
            answer: Any = json.loads(response.body) if response.body else None
        except ValueError:
            answer = response.body.decode("utf-8", "replace")
        return {"status": response.status, "body": answer}

    def _function(self, body: Json) -> Function:
        try:
            return self._stack.function(str(body.get("function")))
        except KeyError:
            raise Refused(f"There is no function named {body.get('function')}.") from None

    def _restart(self, body: Json) -> Json:
        """Restart a function, as a deployment or a reload does.

        function: its name
        """
        function = self._function(body)

        def run() -> None:
            try:
                function.restart()
            except FunctionFailed as failure:
                self._stack.trace.add("log", str(failure)[:2000], status="ERROR")

        threading.Thread(target=run, daemon=True).start()
        return {"name": function.name, "state": function.state}

    def _kill(self, body: Json) -> Json:
        """Kill a function's processes, as a crash does.

        function: its name
        """
        function = self._function(body)
        function.kill()
        return {"name": function.name, "state": function.state}
