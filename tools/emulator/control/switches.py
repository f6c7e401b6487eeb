"""Fault switches: a part of the emulator's HTTP API."""

from __future__ import annotations

from tools.emulator.control.bodies import Refused, number
from tools.emulator.control.routes import Handler, Json
from tools.emulator.switches import Switches, UnknownSwitch
from tools.emulator.trace import Trace


class SwitchRoutes:
    """`get` and `post` list the routes."""

    def __init__(self, switches: Switches, trace: Trace) -> None:
        self._switches = switches
        self._trace = trace
        self.get: dict[str, Handler] = {}
        self.post: dict[str, Handler] = {"switches": self._set}

    def _set(self, body: Json) -> Json:
        """Set a fault switch.

        name: "ai", "database_down", "hold", "lose_response", "deliver_twice" or "forge"
        value: the AI's behaviour, true or false, or how many of the next deliveries
        """
        name, value = str(body.get("name")), body.get("value")
        if name not in ("ai", "database_down", "hold") and name in self._switches.values():
            value = number(value, "value")
        try:
            self._switches.set(name, value)
        except UnknownSwitch as unknown:
            raise Refused(str(unknown)) from None
        self._trace.add("fault", f"{name}: {value}", detail={"name": name, "value": value})
        return {"switches": self._switches.values()}
