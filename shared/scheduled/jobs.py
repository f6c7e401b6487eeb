"""The jobs. Path, schedule in deploy.yaml and the emulator's button are derived from this list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast


@dataclass(frozen=True)
class Job:
    """One job: its function, imported when it is called, and its schedule."""

    schedule: str  # unix-cron
    function: str  # module:name
    about: str

    def run(self) -> dict[str, Any]:
        """Run it once and return its result as JSON."""
        module, _, name = self.function.partition(":")
        return cast("Callable[[], dict[str, Any]]", getattr(import_module(module), name))()


JOBS = {
    "sweep": Job(
        "* * * * *", "shared.telegram.sweep:sweep", "Finishes updates of crashed workers, delivers the outbox"
    ),
    "payments": Job(
        "*/5 * * * *",
        "shared.payments.payments_job:payments",
        "Checks open orders with providers, sends reminders",
    ),
    "statements": Job(
        "17 * * * *",
        "shared.payments.reconciliation:statements",
        "Reconciles each day's payments with providers",
    ),
}
