"""Users and jobs for the tests of pictures and videos."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

from tests.support import new_telegram_id, new_update_id

Sql = Callable[..., list[dict[str, Any]]]
Call = Callable[..., Any]
PROVIDER = "painter"
COLUMNS = "plan_requests", "bonus_requests", "amount"
_numbers = itertools.count(1)


class Job:
    """A job, seen by the worker that claimed it last."""

    def __init__(self, sql: Sql, call: Call, id_: int) -> None:
        self.sql, self.call, self.id = sql, call, id_
        self.attempt = 0

    @property
    def row(self) -> dict[str, Any]:
        return self.sql("select * from generations where id = %s", self.id)[0]

    @property
    def state(self) -> str:
        return str(self.row["state"])

    @property
    def charged(self) -> tuple[int, int, Decimal]:
        """What it holds: requests of the plan, bonus credits, and an amount of the balance."""
        sums = ", ".join(f"coalesce(sum({name}), 0) as {name}" for name in COLUMNS)
        row = self.sql(f"select {sums} from generation_effects where generation_id = %s", self.id)[0]
        return int(row["plan_requests"]), int(row["bonus_requests"]), Decimal(row["amount"])

    def effects(self) -> list[str]:
        rows = self.sql(
            "select effect from generation_effects where generation_id = %s order by created_at, effect",
            self.id,
        )
        return [row["effect"] for row in rows]

    def claim(self) -> bool:
        """Lease it as a worker does; False when it is not due."""
        claimed = self.call("claim_generations", [PROVIDER], 1, 60, self.id)
        if claimed:
            self.attempt = claimed[0]["attempt"]
        return bool(claimed)

    def make_due(self) -> None:
        """Let the pause before the next step, and a lease, be over."""
        self.sql(
            "update generations set due_at = case when due_at is not null then private.clock() end, "
            "lease_until = null where id = %s",
            self.id,
        )

    def pass_deadline(self) -> None:
        """Let the deadline pass, and a lease end."""
        self.sql(
            "update generations set deadline = private.clock() - interval '1 second', lease_until = null "
            "where id = %s",
            self.id,
        )

    def begin(self) -> str:
        return str(self.call("begin_submission", self.id, self.attempt)["outcome"])

    def submitted(self, name: str | None = None) -> str:
        return str(self.call("record_submission", self.id, name or f"job-{self.id}")["outcome"])

    def copied(self, cost: str | None = None, attempt: int | None = None) -> str:
        files = [{"key": None, "mime": "image/png"}]
        number = self.attempt if attempt is None else attempt
        return str(self.call("record_copied", self.id, number, files, cost, {"tokens_out": 5})["outcome"])

    def settle(self) -> Any:
        return self.call("settle_generation", self.id, self.attempt)

    def delivered(self) -> Any:
        return self.call("record_delivery", self.id, self.attempt, [{"kind": "photo", "file_id": "f1"}])

    def end(self, state: str = "failed", cause: str = "server_error", cost: str | None = None) -> Any:
        return self.call(
            "end_generation", p_id=self.id, p_attempt=self.attempt, p_state=state, p_cause=cause, p_cost=cost
        )

    def nudge(self, name: str | None = None, token: object = None) -> Any:
        token = token or self.row["token"]
        return self.call("nudge_generation", PROVIDER, str(token), name or f"job-{self.id}")

    def cancel(self) -> str:
        return str(self.call("cancel_generation", self.row["user_id"], self.id)["outcome"])

    def mute(self) -> str:
        return str(self.call("mute_generation", self.row["user_id"], self.id)["outcome"])

    def expire(self) -> Any:
        return self.call("expire_generations", 100)

    def submit(self) -> None:
        """Take it to the state submitted."""
        assert self.claim()
        assert self.begin() == "begun"
        assert self.submitted() == "recorded"

    def finish(self, cost: str | None = None) -> None:
        """Take it from submitted to delivered."""
        self.make_due()
        assert self.claim()
        assert self.copied(cost) == "recorded"
        assert self.settle()["outcome"] == "settled"
        assert self.delivered()["outcome"] == "recorded"


class Painter:
    """A user who asks for pictures and videos."""

    def __init__(self, sql: Sql, call: Call, *, bonus: int = 0, balance: str = "0") -> None:
        self.sql, self.call = sql, call
        self.telegram_id = new_telegram_id()
        sql(
            "insert into users (telegram_id, first_name, is_newcomer, bonus_credits) "
            "values (%s, 'Anna', false, %s)",
            self.telegram_id,
            bonus,
        )
        self.user_id = sql("select id from users where telegram_id = %s", self.telegram_id)[0]["id"]
        if Decimal(balance):
            call("adjust_balance", self.telegram_id, balance, "test", f"test:{uuid4()}")

    def ask(self, kind: str = "image", **values: Any) -> Any:
        """Reserve a job; return the function's result."""
        given = {
            "p_user_id": self.user_id,
            "p_bot": "assistant",
            "p_update_id": new_update_id(),
            "p_chat_id": self.telegram_id,
            "p_thread_id": 0,
            "p_kind": kind,
            "p_provider": PROVIDER,
            "p_model": "brush-1",
            "p_request": {"prompt": "a cat in a hat"},
            "p_reference": f"tap:{next(_numbers)}",
            "p_requests": 1,
        }
        return self.call("reserve_generation", **{**given, **values})

    def job(self, kind: str = "image", **values: Any) -> Job:
        """Reserve a job and return it."""
        reserved = self.ask(kind, **values)
        assert reserved["outcome"] == "reserved", reserved
        return Job(self.sql, self.call, reserved["generation"]["id"])

    @property
    def requests(self) -> int:
        """Requests that count against the plan today."""
        rows = self.sql(
            "select coalesce(sum(requests), 0) as n from daily_usage where user_id = %s", self.user_id
        )
        return int(rows[0]["n"])

    @property
    def month_requests(self) -> int:
        rows = self.sql(
            "select coalesce(sum(requests), 0) as n from monthly_usage where user_id = %s", self.user_id
        )
        return int(rows[0]["n"])

    @property
    def bonus(self) -> int:
        return int(
            self.sql("select bonus_credits from users where id = %s", self.user_id)[0]["bonus_credits"]
        )

    @property
    def balance(self) -> Decimal:
        return Decimal(self.sql("select balance from users where id = %s", self.user_id)[0]["balance"])

    def jobs(self) -> list[str]:
        rows = self.sql("select state from generations where user_id = %s order by id", self.user_id)
        return [row["state"] for row in rows]


def contradictions(sql: Sql) -> list[dict[str, Any]]:
    """Return what check_generations and check_balances find."""
    wrong = sql("select * from check_generations()")
    return wrong + sql("select * from jsonb_array_elements(check_balances())")


def messages(result: Any) -> list[str]:
    """Return the keys of the templated messages that a function enqueued."""
    return [item["parameters"]["key"] for item in result["outgoing"] if item["method"] == "template"]
