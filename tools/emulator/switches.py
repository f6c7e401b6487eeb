"""Fault switches: what fails on request, by name, as the page's panel and the command line set it."""

from __future__ import annotations

from typing import Any, get_args

from tools.emulator.ai import Ai
from tools.emulator.ai.behaviour import FAULTS
from tools.emulator.database import Database
from tools.emulator.events import Events
from tools.emulator.payments import Payments
from tools.emulator.telegram import Telegram
from tools.emulator.telegram.active_faults import DeliveryFault


class UnknownSwitch(Exception):
    """There is no such switch, or it has no such value; the message says which."""


class Switches:
    """Sets the switches and publishes their values whenever one changes or a fault is used up."""

    def __init__(
        self, database: Database, ai: Ai, telegram: Telegram, payments: Payments, events: Events
    ) -> None:
        self._database = database
        self._ai = ai
        self._telegram = telegram
        self._payments = payments
        self._events = events
        telegram.faults.subscribe(self.publish)
        for key in payments:
            payments[key].faults.subscribe(self.publish)

    def set(self, name: str, value: Any) -> None:
        """Set one switch; raises UnknownSwitch.

        "ai" takes the name of a fault, "database_down" and "hold" a boolean, faults of deliveries a count.
        """
        if name == "ai":
            if str(value) not in FAULTS:
                raise UnknownSwitch(f"The AI can be {', '.join(FAULTS)}; not {value}.")
            self._ai.set_fault(str(value))
        elif name == "database_down":
            self._database.down() if value else self._database.up()
        elif name == "hold":
            self._telegram.hold(bool(value))
        elif name in get_args(DeliveryFault):
            self._telegram.faults.arm(name, int(value))  # type: ignore[arg-type]
        else:
            raise UnknownSwitch(f"There is no switch named {name}.")
        self.publish()

    def values(self) -> dict[str, Any]:
        """Return the value of every switch, and how many faults each payment provider's API has."""
        switches = {
            "database_down": self._database.is_down,
            "ai": self._ai.state,
            "hold": self._telegram.held,
        }
        return switches | self._telegram.faults.counts() | {"payments": self._payments.faults()}

    def publish(self) -> None:
        """Send the switches and the faults of the Bot API to the page."""
        self._events.publish("switches", self.values())
        faults = [fault.json() for fault in self._telegram.faults.all()]
        self._events.publish("faults", {"faults": faults})
