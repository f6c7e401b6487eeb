"""Callbacks, polls, deadlines, crashes and releases in any order: ledger, quota, balance and jobs agree."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.generations.jobs import Call, Job, Painter, Sql, contradictions
from tests.support import examples

BONUS, BALANCE, DAILY = 7, Decimal(100), 6
PRICES: list[dict[str, Any]] = [
    {"p_requests": 5, "p_max_cost": "1"},
    {"p_requests": 3},
    {"p_requests": 0, "p_amount": "30.01", "p_max_cost": "1"},
    {"p_requests": 0},
]
COSTS = [None, "0", "0.37", "1", "3"]
WORDS = [
    "ask",
    "ask",
    "claim",
    "claim",
    "due",
    "due",
    "due",
    "begin",
    "submitted",
    "copied",
    "settle",
    "delivered",
]
WORDS += ["finish", "finish", "end", "retry", "postpone", "nudge", "cancel", "deadline", "expire", "crash"]
STEPS = st.lists(
    st.tuples(st.sampled_from(WORDS), st.integers(0, 3), st.integers(0, 9)), min_size=10, max_size=60
)


class Story:
    """A user whose jobs go through any steps; workers that lost their lease go on with their old number."""

    def __init__(self, sql: Sql, call: Call) -> None:
        sql("update subscription_limits set daily_requests = %s where plan = 'FREE'", DAILY)
        self.anna = Painter(sql, call, bonus=BONUS, balance=str(BALANCE))
        self.workers: list[Job] = []  # several may believe that they hold one job
        self.shown: dict[int, tuple[int, Decimal]] = {}  # the price of each job

    def do(self, word: str, which: int, value: int) -> None:
        if word == "ask":
            price = PRICES[which]
            asked = self.anna.ask("image" if value % 2 else "video", **price)
            if asked["outcome"] == "reserved":
                job = Job(self.anna.sql, self.anna.call, asked["generation"]["id"])
                self.workers.append(job)
                self.shown[job.id] = (price["p_requests"], Decimal(price.get("p_amount", 0)))
        elif self.workers:
            # The newest ones do the most.
            self.work(word, self.workers[-1 - which % len(self.workers)], value)

    def work(self, word: str, job: Job, value: int) -> None:
        if word == "crash":  # another worker takes over, and the first one goes on as well
            other = Job(job.sql, job.call, job.id)
            other.make_due()
            if other.claim():
                self.workers.append(other)
        elif word == "due":
            job.make_due()
        elif word == "deadline":
            job.pass_deadline()
        elif word == "copied":
            job.copied(COSTS[value % len(COSTS)])
        elif word == "finish":
            for step in (
                "due",
                "claim",
                "begin",
                "submitted",
                "due",
                "claim",
                "copied",
                "settle",
                "delivered",
            ):
                self.work(step, job, value)
        elif word == "end":
            job.end(
                ("failed", "refused")[value % 2],
                ("unanswered", "server_error")[value // 2 % 2],
                COSTS[value % 5],
            )
        elif word == "retry":
            job.call("retry_submission", job.id, job.attempt, 0, "no connection")
        elif word == "postpone":
            job.call(
                "postpone_generation", job.id, job.attempt, (0, 0, None)[value % 3], (None, "429")[value % 2]
            )
        else:
            getattr(job, word)()

    def check(self) -> None:
        assert contradictions(self.anna.sql) == []
        held = [Job(self.anna.sql, self.anna.call, id_).charged for id_ in self.shown]
        plan, bonus, amount = (sum(column) for column in zip(*held, strict=True)) if held else (0, 0, 0)
        assert (self.anna.requests, self.anna.month_requests) == (plan, plan)
        assert self.anna.bonus == BONUS - bonus
        assert self.anna.balance == BALANCE - amount
        for id_, (requests, price) in self.shown.items():
            job = Job(self.anna.sql, self.anna.call, id_)
            assert job.charged[0] + job.charged[1] <= requests
            assert job.charged[2] <= price
            row = job.row
            if row["state"] in ("succeeded", "delivered") and not row["is_late"] and row["max_cost"] is None:
                assert (job.charged[0] + job.charged[1], job.charged[2]) == (requests, price)


@settings(
    max_examples=examples(90), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_every_job_is_charged_or_released_once(
    sql: Sql, call: Call, steps: list[tuple[str, int, int]]
) -> None:
    story = Story(sql, call)
    for word, which, value in steps:
        story.do(word, which, value)
    story.check()
    for job in story.workers:  # what is left ends by itself
        job.pass_deadline()
    call("expire_generations", 1000)
    story.check()
    assert not {"reserved", "submitting", "submitted"} & set(story.anna.jobs())
