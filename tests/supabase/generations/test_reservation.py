"""Reserving a job takes its price once, from one source, and within the limits."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.supabase.generations.jobs import Painter, Sql
from tests.support import in_parallel

Refused = Callable[..., str | None]


def test_requests_come_from_the_plan_then_from_bonus_credits(anna: Painter, sql: Sql) -> None:
    sql("update subscription_limits set daily_requests = 3 where plan = 'FREE'")
    job = anna.job(p_requests=5)
    assert job.charged == (3, 2, 0)
    assert (anna.requests, anna.month_requests, anna.bonus) == (3, 3, 8)


def test_a_price_in_money_comes_from_the_balance(anna: Painter) -> None:
    job = anna.job("video", p_requests=0, p_amount="90.00")
    assert job.charged == (0, 0, Decimal(90))
    assert (anna.balance, anna.requests) == (410, 0)


def test_what_cannot_be_paid_completely_takes_nothing(anna: Painter, sql: Sql) -> None:
    sql("update subscription_limits set daily_requests = 3 where plan = 'FREE'")
    assert anna.ask(p_requests=14) == {"outcome": "refused"}
    assert anna.ask(p_requests=0, p_amount="500.01") == {"outcome": "no_balance"}
    assert (anna.requests, anna.month_requests, anna.bonus, anna.balance) == (0, 0, 10, 500)
    assert anna.jobs() == []


def test_a_redelivered_update_gets_its_job_and_pays_once(anna: Painter) -> None:
    first = anna.ask(p_reference="update:1", p_requests=2)
    again = anna.ask(p_reference="update:1", p_requests=2)
    assert again == {**first, "outcome": "known"}
    assert anna.requests == 2


def test_one_job_of_a_kind_is_in_progress(anna: Painter, setting: Callable[[str, float], None]) -> None:
    job = anna.job()
    assert anna.ask()["outcome"] == "unfinished"
    assert anna.ask()["generation"]["id"] == job.id
    anna.job("video")
    setting("generations_in_progress", 2)
    assert anna.ask()["outcome"] == "reserved"
    assert anna.ask()["outcome"] == "unfinished"
    setting("generations_in_progress", 0)
    assert Painter(anna.sql, anna.call).ask() == {"outcome": "unfinished"}


def test_fifty_taps_at_once_make_one_job(anna: Painter) -> None:
    outcomes = [result["outcome"] for result in in_parallel(50, lambda _n: anna.ask(p_requests=2))]
    assert sorted(outcomes) == ["reserved", *["unfinished"] * 49]
    assert (anna.jobs(), anna.requests) == (["reserved"], 2)


def test_fifty_deliveries_of_one_tap_make_one_job(anna: Painter) -> None:
    results = in_parallel(50, lambda _n: anna.ask(p_reference="tap:one", p_requests=0, p_amount="5"))
    assert sorted(result["outcome"] for result in results) == [*["known"] * 49, "reserved"]
    assert (anna.jobs(), anna.balance) == (["reserved"], 495)


def test_the_owner_s_cost_limits_count_jobs_in_progress(
    anna: Painter, setting: Callable[[str, float], None], sql: Sql
) -> None:
    setting("daily_cost_user", 1)
    anna.job(p_max_cost="0.7")
    assert anna.ask("video", p_max_cost="0.4") == {"outcome": "user_cost"}
    # The user pays for this one.
    anna.job("video", p_requests=0, p_amount="90", p_max_cost="0.8")
    setting("daily_cost_bot", 1)
    ben = Painter(sql, anna.call)
    assert ben.ask(p_max_cost="0.31") == {"outcome": "bot_cost"}
    assert ben.ask(p_max_cost="0.30")["outcome"] == "reserved"


def test_cost_that_users_paid_for_is_no_cost_of_the_day(
    anna: Painter, setting: Callable[[str, float], None], sql: Sql
) -> None:
    setting("daily_cost_user", 1)
    setting("daily_cost_bot", 1)
    job = anna.job("video", p_requests=0, p_amount="90", p_max_cost="0.8")
    job.submit()
    job.finish("0.8")
    assert anna.ask("video", p_max_cost="0.9")["outcome"] == "reserved"
    assert Painter(sql, anna.call).ask(p_max_cost="0.1")["outcome"] == "reserved"
    total = sql(
        "select sum(cost) as cost, sum(sold_cost) as sold from daily_totals where provider = 'painter'"
    )
    assert total == [{"cost": Decimal("0.8"), "sold": Decimal("0.8")}]


def test_a_user_whose_prompts_are_refused_has_to_wait(
    anna: Painter, setting: Callable[[str, float], None]
) -> None:
    setting("daily_generation_refusals", 2)
    for _ in range(2):
        job = anna.job()
        job.submit()
        job.make_due()
        job.claim()
        job.end("refused", "input")
    assert anna.ask() == {"outcome": "too_many_refusals"}
    anna.sql("update generations set ended_at = ended_at - interval '25 hours'")
    assert anna.ask()["outcome"] == "reserved"


@pytest.mark.parametrize(
    "values",
    [
        {"p_kind": "song"},
        {"p_requests": -1},
        {"p_amount": "-1", "p_requests": 0},
        {"p_amount": "0.001", "p_requests": 0},
        {"p_amount": "1", "p_requests": 1},
        {"p_requests": None},
        {"p_max_cost": "-1"},
        {"p_reference": "no number"},
        {"p_request": []},
    ],
)
def test_an_invalid_job_is_refused(anna: Painter, refused: Refused, values: dict[str, Any]) -> None:
    def call(function: str, **given: Any) -> str | None:
        return refused(function, **given)

    anna.call = call
    assert anna.ask(values.pop("p_kind", "image"), **values) == "R0002"
    assert anna.ask(p_user_id=-1) == "R0001"


def test_a_reference_belongs_to_one_user(anna: Painter, sql: Sql) -> None:
    anna.job(p_reference="tap:hers")
    ben = Painter(sql, anna.call)
    assert ben.ask(p_reference="tap:hers")["outcome"] == "known"
    assert ben.jobs() == []
