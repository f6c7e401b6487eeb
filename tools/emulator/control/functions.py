"""Functions and their jobs: a part of the emulator's HTTP API."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from tools.emulator.control.bodies import Fields, Refused
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.functions import Function, FunctionFailed
from tools.emulator.scheduler import Scheduler
from tools.emulator.trace import Trace
from tools.validation import Sentence


class JobFields(Fields):
    """A job, by the last part of the path."""

    name: Annotated[
        str,
        Field(pattern=r"^[a-z0-9_-]{1,64}$"),
        Sentence("A job's name has small letters, digits, - and _."),
    ]


class FunctionFields(Fields):
    """A function."""

    function: str = Field(description="its name")


class FunctionRoutes:
    """`get` and `post` list the routes."""

    def __init__(self, functions: Mapping[str, Function], scheduler: Scheduler, trace: Trace) -> None:
        self._functions = functions
        self._scheduler = scheduler
        self._trace = trace
        self.get: Routes = {}
        self.post: Routes = {
            "restart": Route(FunctionFields, self._restart),
            "kill": Route(FunctionFields, self._kill),
            "jobs/<name>": Route(JobFields, self._run_job),
        }

    def _run_job(self, body: JobFields) -> Json:
        """Run a job of the scheduled function now, as Cloud Scheduler does."""
        response = self._scheduler.run(body.name)
        if response.status == 0:
            raise Refused("The function scheduled does not answer.")
        try:
            answer: Any = json.loads(response.body) if response.body else None
        except ValueError:
            answer = response.body.decode("utf-8", "replace")
        return {"status": response.status, "body": answer}

    def _function(self, body: FunctionFields) -> Function:
        if body.function not in self._functions:
            raise Refused(f"There is no function named {body.function}.")
        return self._functions[body.function]

    def _restart(self, body: FunctionFields) -> Json:
        """Restart a function, as a deployment or a reload does."""
        function = self._function(body)

        def run() -> None:
            try:
                function.restart()
            except FunctionFailed as failure:
                self._trace.add("log", str(failure)[:2000], status="ERROR")

        threading.Thread(target=run, daemon=True).start()
        return {"name": function.name, "state": function.state}

    def _kill(self, body: FunctionFields) -> Json:
        """Kill a function's processes, as a crash does."""
        function = self._function(body)
        function.kill()
        return {"name": function.name, "state": function.state}
