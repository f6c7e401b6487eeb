"""What a deployment costs a month: the arithmetic of docs/deployment.md, which has the prices' sources."""

from __future__ import annotations

import math
from dataclasses import dataclass

HEADING = "What it costs"
USERS = (100, 1_000, 10_000)  # who write each month
QUESTIONS = 60  # of one user, a month; as many commands and taps
MONTH = 2_592_000  # seconds
QUESTION_SECONDS, COMMAND_SECONDS, JOBS_SECONDS = 5, 0.1, 12_400
# US dollars, November 2026: gpt-5.4-mini for a million tokens; one CPU and half a GiB for a second in tier 1.
TOKENS_IN, TOKENS_OUT, PRICE_IN, PRICE_OUT = 1_500, 600, 0.75, 4.50
CPU, MEMORY = 0.000024, 0.00000125
FREE_CPU, FREE_MEMORY = 4.32, 0.90
TIER_1 = frozenset({"europe-west1", "europe-west4", "us-central1", "us-east1", "us-east4", "us-west1"})
TIER_2 = 1.4
SUPABASE = {100: 25, 1_000: 25, 10_000: 30}
REST = {100: 0, 1_000: 1, 10_000: 1}  # traffic, images, secrets beyond what is free


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


def month(users: int, region: str) -> Month:
    """Return the cost for this many users who write each month."""
    questions = users * QUESTIONS
    at_once = questions * QUESTION_SECONDS / MONTH
    idle = math.exp(-at_once)
    seconds = MONTH * (1 - idle) + questions * COMMAND_SECONDS * idle + JOBS_SECONDS
    tier = 1.0 if region in TIER_1 else TIER_2
    cpu = max(0.0, seconds * CPU * tier - FREE_CPU)
    memory = max(0.0, seconds * MEMORY * tier - FREE_MEMORY)
    ai = questions * (TOKENS_IN * PRICE_IN + TOKENS_OUT * PRICE_OUT) / 1e6
    return Month(_dollars(ai), SUPABASE[users], _dollars(cpu + memory), REST[users])


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


def _dollars(value: float) -> int:
    """Round half up, as people do."""
    return math.floor(value + 0.5)
