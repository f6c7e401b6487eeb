"""Functions and their jobs: a part of the emulator's HTTP API."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from typing import Any

from tools.emulator.control.bodies import Refused
from tools.emulator.control.routes import Handler, Json
from tools.emulator.functions import Function, FunctionFailed
from tools.emulator.scheduler import Scheduler
from tools.emulator.trace import Trace

JOB = re.compile(r"[a-z0-9_-]{1,64}")


class FunctionRoutes:
    """`get` and `post` list the routes."""

    def __init__(self, functions: Mapping[str, Function], scheduler: Scheduler, trace: Trace) -> None:
        self._functions = functions
        self._scheduler = scheduler
        self._trace = trace
        self.get: dict[str, Handler] = {}
        self.post: dict[str, Handler] = {
            "restart": self._restart,
            "kill": self._kill,
            "jobs/<name>": self._run_job,
        }

    def _run_job(self, body: Json) -> Json:
        """Run a job of the scheduled function now, as Cloud Scheduler does."""
        name = str(body["name"])
        if not JOB.fullmatch(name):
            raise Refused("A job's name has small letters, digits, - and _.")
        response = self._scheduler.run(name)
        if response.status == 0:
            raise Refused("The function scheduled does not answer.")
        try:
            answer: Any = json.loads(response.body) if response.body else None
        except ValueError:
            answer = response.body.decode("utf-8", "replace")
        return {"status": response.status, "body": answer}

    def _function(self, body: Json) -> Function:
        name = str(body.get("function"))
        if name not in self._functions:
            raise Refused(f"There is no function named {name}.")
        return self._functions[name]

    def _restart(self, body: Json) -> Json:
        """Restart a function, as a deployment or a reload does.

        function: its name
        """
        function = self._function(body)

        def run() -> None:
            try:
                function.restart()
            except FunctionFailed as failure:
                self._trace.add("log", str(failure)[:2000], status="ERROR")

        threading.Thread(target=run, daemon=True).start()
        return {"name": function.name, "state": function.state}

    def _kill(self, body: Json) -> Json:
        """Kill a function's processes, as a crash does.

        function: its name
        """
        function = self._function(body)
        function.kill()
        return {"name": function.name, "state": function.state}
