"""Callbacks, polls, deadlines, crashes and releases in any order: ledger, quota, balance and jobs agree."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.generations.jobs import PROVIDER, Call, Job, Painter, Sql, contradictions
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
    "make_due",
    "make_due",
    "make_due",
    "begin",
    "submitted",
    "copied",
    "settle",
    "delivered",
]
WORDS += [
    "finish",
    "finish",
    "end",
    "retry",
    "postpone",
    "nudge",
    "cancel",
    "mute",
    "pass_deadline",
    "expire",
    "crash",
]
WORDS += ["switch", "switch", "webhook", "former"]
FALLBACKS = [{"provider": PROVIDER, "model": f"brush-{number}", "options": {}} for number in (2, 3)]
STEPS = st.lists(
    st.tuples(st.sampled_from(WORDS), st.integers(0, 3), st.integers(0, 9)), min_size=10, max_size=60
)


def name(job: Job) -> str:
    """Return what the provider calls the job: each of its providers another name."""
    return f"job-{job.id}-{len(job.row['request']['fallbacks'])}"


class Story:
    """A user whose jobs go through any steps; workers that lost their lease go on with their old number."""

    def __init__(self, sql: Sql, call: Call) -> None:
        sql("update subscription_limits set daily_requests = %s where plan = 'FREE'", DAILY)
        self.anna = Painter(sql, call, bonus=BONUS, balance=str(BALANCE))
        self.workers: list[Job] = []  # several may believe that they hold one job
        self.shown: dict[int, tuple[int, Decimal]] = {}  # the price of each job
        self.tokens: dict[int, str] = {}  # of each job's first request

    def do(self, word: str, which: int, value: int) -> None:
        if word == "ask":
            price = PRICES[which]
            request = {"prompt": "a cat", "fallbacks": FALLBACKS[: value % 3]}
            asked = self.anna.ask("image" if value % 2 else "video", p_request=request, **price)
            if asked["outcome"] == "reserved":
                job = Job(self.anna.sql, self.anna.call, asked["generation"]["id"])
                self.workers.append(job)
                self.tokens[job.id] = str(job.row["token"])
                self.shown[job.id] = (price["p_requests"], Decimal(price.get("p_amount", 0)))
        elif self.workers:
            # The newest ones do the most.
            self.work(word, self.workers[-1 - which % len(self.workers)], value)

    def work(self, word: str, job: Job, value: int) -> None:
        if word == "crash":
            self.take_over(job)
        elif word in ("submitted", "nudge"):
            getattr(job, word)(name(job))
        elif word in ("switch", "webhook", "former"):
            getattr(self, word)(job, value)
        elif word == "copied":
            job.copied(COSTS[value % len(COSTS)])
        elif word == "finish":
            for step in (
                "make_due",
                "claim",
                "begin",
                "submitted",
                "make_due",
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

    def take_over(self, job: Job) -> None:
        """Let another worker claim a job whose lease has ended; the first one goes on as well."""
        other = Job(job.sql, job.call, job.id)
        other.make_due()
        if other.claim():
            self.workers.append(other)

    def switch(self, job: Job, _value: int) -> None:
        """Hand a job to the next provider: nothing of the former request is left."""
        before = job.row
        if job.call("switch_generation", job.id, job.attempt, "down")["outcome"] == "switched":
            after = job.row
            assert after["token"] != before["token"]
            assert (after["state"], after["provider_job_id"]) == ("reserved", None)
            assert after["request"]["fallbacks"] == before["request"]["fallbacks"][1:]

    def former(self, job: Job, _value: int) -> None:
        """Let a callback of a job's first request come: unknown once another provider has the job."""
        is_former = str(job.row["token"]) != self.tokens[job.id]
        outcome = job.nudge(name(job), token=self.tokens[job.id])["outcome"]
        assert outcome == "unknown" or not is_former

    def webhook(self, job: Job, value: int) -> None:
        """Let a callback without a token name a job's request, or one that it no longer has."""
        before = job.row
        named = (name(job), f"job-{job.id}-{value % 3}")[value % 2]
        outcome = job.call("nudge_generation", PROVIDER, None, named)["outcome"]
        if before["provider_job_id"] == named:
            assert outcome in ("nudged", "over")
        else:
            assert (outcome, job.row) == ("unknown", before)

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
