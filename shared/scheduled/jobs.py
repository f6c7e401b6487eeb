"""The jobs. Path, schedule in deploy.yaml and the emulator's button are derived from this list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import cast


@dataclass(frozen=True)
class Job:
    """One job: its function, imported when it is called, and its schedule."""

    schedule: str  # unix-cron
    function: str  # module:name
    about: str

    def run(self) -> Mapping[str, object]:
        """Run it once and return its result as JSON."""
        module, _, name = self.function.partition(":")
        return cast("Callable[[], Mapping[str, object]]", getattr(import_module(module), name))()


JOBS = {
    "sweep": Job(
        "* * * * *", "shared.telegram.sweep:sweep", "Finishes updates of crashed workers, delivers the outbox"
    ),
    "payments": Job(
        "*/5 * * * *",
        "shared.payments.payments_job:payments",
        "Checks open orders with providers, sends reminders",
    ),
    "generations": Job(
        "* * * * *",
        "shared.generations.worker:generations",
        "Makes pictures and videos: submits, polls, delivers, expires",
    ),
    "statements": Job(
        "17 * * * *",
        "shared.payments.reconciliation:statements",
        "Reconciles each day's payments with providers",
    ),
    "quiz": Job(
        "*/5 * * * *",
        "shared.features.quiz.jobs:quiz",
        "Reminds users of the day's challenge, posts results of quizzes in groups",
    ),
    "reminders": Job(
        "* * * * *", "shared.features.reminders.jobs:reminders", "Sends the reminders that users set"
    ),
    "courses": Job(
        "*/10 * * * *",
        "shared.features.courses.jobs:courses",
        "Announces lessons that opened, reminds idle learners, warns before access ends",
    ),
    "broadcasts": Job(
        "* * * * *",
        "shared.features.broadcasts.jobs:broadcasts",
        "Sends broadcasts and steps of sequences, deletes what was sent",
    ),
    "messenger": Job(
        "* * * * *",
        "shared.features.messenger.jobs:messenger",
        "Delivers messages of the team, gives conversations back to the bot",
    ),
    "storage": Job(
        "*/10 * * * *",
        "shared.storage.cleanup:clean_up",
        "Deletes stored files that expired, and those of erased users",
    ),
    "avatars": Job(
        "*/5 * * * *", "shared.web.avatars:fetch", "Fetches profile photos of users that pages show"
    ),
    "summaries": Job(
        "*/5 * * * *",
        "shared.features.conversations.jobs:summaries",
        "Summarizes what no longer fits into conversations, where the owner switched that on",
    ),
    "crm": Job(
        "* * * * *",
        "shared.features.crm.jobs:crm",
        "Reminds the team of next actions with leads, qualifies leads where that is on",
    ),
    "models": Job(
        "40 6 * * *",
        "shared.features.admin.jobs:models",
        "Warns the admins before a provider switches off a model in use",
    ),
    "analytics": Job(
        "12 * * * *",
        "shared.features.analytics.jobs:analytics",
        "Sums finished days, compares them with the ledger, sends the daily reports",
    ),
    "health": Job(
        "*/15 * * * *",
        "shared.features.admin.health:health",
        "Measures the health of the database, alerts the admins",
    ),
}
