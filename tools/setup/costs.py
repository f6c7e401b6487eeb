"""What a deployment costs a month: the arithmetic of docs/deployment.md, which has the prices' sources."""

from __future__ import annotations

import math
from dataclasses import dataclass

from shared.scheduled.jobs import JOBS

HEADING = "What it costs"
USERS = (100, 1_000, 10_000)  # who write each month
QUESTIONS = 60  # of one user, a month; as many commands and taps
MONTH = 2_592_000  # seconds
QUESTION_SECONDS, COMMAND_SECONDS = 5, 0.1
# Seconds of a run of each job that finds little to do; pictures and videos are on top.
RUN_SECONDS = {
    "sweep": 0.2, "payments": 0.2, "generations": 0.1, "statements": 2.0, "quiz": 0.1, "reminders": 0.1,
    "courses": 0.1, "broadcasts": 0.1, "storage": 0.1, "avatars": 0.1, "summaries": 0.1, "models": 5.0,
    "health": 0.5, "analytics": 0.2, "crm": 0.1, "messenger": 0.1,
}  # fmt: skip
JOB_PRICE, FREE_JOBS = 0.10, 3  # Cloud Scheduler: US dollars a month for each job
# US dollars, November 2026: gpt-5.4-mini for a million tokens; one CPU and half a GiB for a second in tier 1.
TOKENS_IN, TOKENS_OUT, PRICE_IN, PRICE_OUT = 1_500, 600, 0.75, 4.50
CPU, MEMORY = 0.000024, 0.00000125
FREE_CPU, FREE_MEMORY = 4.32, 0.90
TIER_1 = frozenset({"europe-west1", "europe-west4", "us-central1", "us-east1", "us-east4", "us-west1"})
TIER_2 = 1.4
SUPABASE = {100: 25, 1_000: 25, 10_000: 30}
TRAFFIC, SECRETS, IMAGES = 12 * 0.12 / 1e6, 0.18, 0.33  # of a question; a month


@dataclass(frozen=True)
class Month:
    """US dollars a month, rounded, for a number of users."""

    ai: int
    database: int
    functions: int
    rest: int

    @property
    def total(self) -> int:
        """The sum."""
        return self.ai + self.database + self.functions + self.rest


def runs(job: str) -> int:
    """Return how often a job runs in 30 days."""
    minute, hour, *rest = JOBS[job].schedule.split()
    assert rest == ["*", "*", "*"], f"{job} does not run every day"
    return 30 * _times(minute, 60) * _times(hour, 24)


def jobs_seconds() -> float:
    """Return the seconds that the jobs take in a month, as if no two ran at once."""
    return sum(runs(job) * RUN_SECONDS[job] for job in JOBS)


def scheduler() -> float:
    """Return what Cloud Scheduler costs a month."""
    return max(0, len(JOBS) - FREE_JOBS) * JOB_PRICE


def month(users: int, region: str) -> Month:
    """Return the cost for this many users who write each month."""
    questions = users * QUESTIONS
    at_once = questions * QUESTION_SECONDS / MONTH
    idle = math.exp(-at_once)
    seconds = MONTH * (1 - idle) + questions * COMMAND_SECONDS * idle + jobs_seconds()
    tier = 1.0 if region in TIER_1 else TIER_2
    cpu = max(0.0, seconds * CPU * tier - FREE_CPU)
    memory = max(0.0, seconds * MEMORY * tier - FREE_MEMORY)
    ai = questions * (TOKENS_IN * PRICE_IN + TOKENS_OUT * PRICE_OUT) / 1e6
    rest = scheduler() + questions * TRAFFIC + SECRETS + IMAGES
    return Month(_dollars(ai), SUPABASE[users], _dollars(cpu + memory), _dollars(rest))


def table(region: str) -> list[str]:
    """Return the lines of the table."""
    months = {users: month(users, region) for users in USERS}
    rows = {
        "AI, gpt-5.4-mini": [one.ai for one in months.values()],
        "Supabase": [one.database for one in months.values()],
        f"Cloud Run in {region}": [one.functions for one in months.values()],
        "the rest of Google Cloud": [one.rest for one in months.values()],
        "US dollars a month": [one.total for one in months.values()],
    }
    head = f"{'users who write each month':32}" + "".join(f"{users:>9,}" for users in USERS)
    lines = [f"{name:32}" + "".join(f"{dollars:>9,}" for dollars in cells) for name, cells in rows.items()]
    return [head, *lines, f"docs/deployment.md ({HEADING}) has the arithmetic."]


def _times(field: str, most: int) -> int:
    """Return how many values of one cron field match: of "*", of "*/5", or of a number."""
    if field == "*":
        return most
    return most // int(field.removeprefix("*/")) if field.startswith("*/") else 1


def _dollars(value: float) -> int:
    """Round half up, as people do."""
    return math.floor(value + 0.5)
