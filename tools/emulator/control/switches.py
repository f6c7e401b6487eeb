"""Fault switches: a part of the emulator's HTTP API."""

from __future__ import annotations

from typing import get_args

from pydantic import Field

from tools.emulator.control.bodies import Fields, Refused, read
from tools.emulator.control.routes import Json, Route, Routes
from tools.emulator.switches import Switches, UnknownSwitch
from tools.emulator.telegram.active_faults import DeliveryFault
from tools.emulator.trace import Trace


class SwitchBody(Fields):
    """A switch and what it is set to."""

    name: str = Field(
        description='"ai", "database_down", "hold", "lose_response", "deliver_twice" or "forge"'
    )
    value: bool | int | str = Field(
        "", description="the AI's behaviour, true or false, or how many of the next deliveries"
    )


class OnOrOff(Fields):
    """The value of a switch that is on or off."""

    value: bool


class Count(Fields):
    """The value of a switch that counts deliveries."""

    value: int


VALUES: dict[str, type[OnOrOff | Count]] = {
    "database_down": OnOrOff,
    "hold": OnOrOff,
    **dict.fromkeys(get_args(DeliveryFault), Count),
}


class SwitchRoutes:
    """`get` and `post` list the routes."""

    def __init__(self, switches: Switches, trace: Trace) -> None:
        self._switches = switches
        self._trace = trace
        self.get: Routes = {}
        self.post: Routes = {"switches": Route(SwitchBody, self._set)}

    def _set(self, body: SwitchBody) -> Json:
        """Set a fault switch."""
        value = body.value
        if kind := VALUES.get(body.name):
            value = read(kind, {"value": value}).value
        try:
            self._switches.set(body.name, value)
        except UnknownSwitch as unknown:
            raise Refused(str(unknown)) from None
        self._trace.add("fault", f"{body.name}: {value}", detail={"name": body.name, "value": value})
        return {"switches": self._switches.values()}
