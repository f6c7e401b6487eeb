"""What a deployment costs a month: the arithmetic of docs/deployment.md, which has the prices' sources."""

from __future__ import annotations

from dataclasses import dataclass

HEADING = "What it costs"
USERS = (100, 1_000, 10_000)
MESSAGES = 30  # of one user, a month
SECONDS = 5.0  # of one message with the AI
TOKENS_IN, TOKENS_OUT = 1_500, 300
# Google Cloud, tier 1 regions (November 2026), beyond what is free each month.
CPU_SECOND, GIB_SECOND, MILLION_REQUESTS = 0.000024, 0.0000025, 0.40
FREE_CPU, FREE_GIB, FREE_REQUESTS = 180_000, 360_000, 2_000_000
GIB = 0.5
JOBS_SECONDS, JOBS_REQUESTS = 11_000, 52_560  # sweep, payments, statements
# Scheduler: 3 jobs free. Secret Manager: 6 versions free, then $0.06. Images: 0.5 GB free, then $0.10.
SMALL_THINGS = 0.30
# gpt-5-mini, US dollars for a million tokens.
PRICE_IN, PRICE_OUT = 0.25, 2.00
SUPABASE_FREE_USERS, SUPABASE_PRO = 1_000, 25.0  # above it the free plan's 500 MB are short


@dataclass(frozen=True)
class Month:
    """US dollars a month for a number of active users."""

    users: int
    functions: float
    database: float
    ai: float

    @property
    def total(self) -> float:
        """The sum."""
        return self.functions + self.database + self.ai


def month(users: int) -> Month:
    """Return the cost for this many active users."""
    messages = users * MESSAGES
    seconds = messages * SECONDS + JOBS_SECONDS
    cpu = max(0.0, seconds - FREE_CPU) * CPU_SECOND
    memory = max(0.0, seconds * GIB - FREE_GIB) * GIB_SECOND
    requests = max(0.0, messages + JOBS_REQUESTS - FREE_REQUESTS) / 1e6 * MILLION_REQUESTS
    ai = messages * (TOKENS_IN * PRICE_IN + TOKENS_OUT * PRICE_OUT) / 1e6
    database = SUPABASE_PRO if users > SUPABASE_FREE_USERS else 0.0
    return Month(users, cpu + memory + requests + SMALL_THINGS, database, ai)


def table() -> list[str]:
    """Return the lines of the table."""
    lines = [f"{'users':>7} {'Google Cloud':>13} {'Supabase':>9} {'AI':>9} {'US dollars a month':>19}"]
    for one in map(month, USERS):
        lines.append(
            f"{one.users:>7,} {one.functions:>13.2f} {one.database:>9.2f} {one.ai:>9.2f} {one.total:>19.2f}"
        )
    return [*lines, f"({MESSAGES} messages a user; docs/deployment.md, {HEADING}, has the arithmetic)"]
