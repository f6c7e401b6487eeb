"""The jobs, one line each: path, schedule in deploy.yaml and the emulator's button follow from here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast


@dataclass(frozen=True)
class Job:
    """One job: where its function is (imported when it is called) and when Cloud Scheduler calls it."""

    schedule: str  # unix-cron
    function: str  # module:name
    about: str

    def run(self) -> dict[str, Any]:
        """Run it once and return what it did."""
        module, _, name = self.function.partition(":")
        return cast("Callable[[], dict[str, Any]]", getattr(import_module(module), name))()


JOBS = {
    "sweep": Job(
        "* * * * *", "shared.telegram.sweep:sweep", "Finishes what dead workers left, sends what waits"
    ),
    "payments": Job(
        "*/5 * * * *",
        "shared.payments.payments_job:payments",
        "Asks providers about open orders, reminds of ends",
    ),
    "statements": Job(
        "17 * * * *",
        "shared.payments.reconciliation:statements",
        "Compares each day's money with providers' lists",
    ),
}
