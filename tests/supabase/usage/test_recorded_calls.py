"""Every provider call is recorded once, with its update; the counters are the sums of the rows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.supabase.usage.users import (
    Sql,
    Update,
    ai_call,
    daily_total,
    served_user,
    unseen_telegram_id,
    user_id,
)
from tests.support import eventually, examples, in_parallel
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack

Ask = Callable[..., Update]
SLOW = settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
FIGURES = "calls, errors, tokens_in, tokens_out, cost, ms"
SUMS = (
    "count(*) calls, count(*) filter (where status not in ('ok', 'part')) errors, "
    "coalesce(sum(tokens_in), 0) tokens_in, coalesce(sum(tokens_out), 0) tokens_out, "
    "coalesce(sum(cost), 0) as cost, sum(ms) ms"
)


ADDED = ", ".join(f"sum({figure}) as {figure}" for figure in ["requests", *FIGURES.split(", ")])
DAY = f"select {ADDED} from daily_totals"


def rows_of(sql: Sql, telegram_id: int) -> list[dict[str, Any]]:
    """Return the recorded calls of a user."""
    return sql("select * from api_usage where user_id = %s order by id", user_id(sql, telegram_id))


def test_a_call_is_stored_unchanged(sql: Sql, anna: int, ask: Ask) -> None:
    call = ai_call(provider="openrouter", model=f"m/{anna}", cost="0.00012345")
    ask(anna).finish("settled", ai_call(model=f"m/{anna}", status="server_error", tokens_in=None), call)
    failed, served = rows_of(sql, anna)
    del call["is_estimate"]
    assert served.items() >= (call | {"cost": Decimal("0.00012345"), "bot": "assistant"}).items()
    assert (failed["status"], failed["tokens_in"], failed["cost"]) == ("server_error", None, None)
    totals = sql(
        f"select provider, requests, {FIGURES} from daily_totals where model = %s order by 1", f"m/{anna}"
    )
    assert [tuple(map(str, row.values())) for row in totals] == [
        ("openai", "0", "1", "1", "0", "40", "0E-8", "1200"),
        ("openrouter", "1", "1", "0", "100", "40", "0.00012345", "1200"),
    ]


@pytest.mark.parametrize(
    ("values", "cost"),
    [
        ({}, "0.000696"),  # 600 tokens at $0.25 for a million, 400 cached ones at $0.025, 268 at $2
        ({"tokens_cached": None}, "0.000786"),
        ({"is_user_api_key": True}, "0.000696"),  # the user's own money, counted apart
        ({"is_estimate": False}, "0.03"),  # as the provider reported it
        ({"tokens_out": None}, "0.03"),  # as long as it may have been
        ({"tokens_in": -1}, "0.03"),
        ({"model": "without a price"}, "0.03"),
        ({"cost": None, "is_estimate": False, "status": "server_error"}, None),  # nothing was spent
    ],
)
def test_a_cost_that_is_not_reported_is_that_of_the_catalogue(
    sql: Sql, anna: int, ask: Ask, values: dict[str, Any], cost: str | None
) -> None:
    call = ai_call(tokens_in=1000, tokens_cached=400, tokens_out=268, cost="0.03", is_estimate=True)
    ask(anna).finish("settled", call | values)
    (row,) = rows_of(sql, anna)
    assert row["cost"] == (cost and Decimal(cost))
    assert row["tokens_cached"] == values.get("tokens_cached", 400)
    month = sql("select cost, is_user_api_key from monthly_api_usage where user_id = %s", user_id(sql, anna))
    assert month == [{"cost": Decimal(cost or 0), "is_user_api_key": values.get("is_user_api_key", False)}]
    today = "(private.clock() at time zone private.setting('quota_timezone'))::date"
    spent = sql(f"select private.user_cost(%s, {today}) as usd", user_id(sql, anna))[0]["usd"]
    assert (spent == 0) == (cost is None or values.get("is_user_api_key", False))


@pytest.mark.parametrize(
    ("values", "cost"),
    [
        ({"searches": 3}, "0.0312"),  # 1000 * 0.25 / 10^6 + 475 * 2 / 10^6 + 3 * 0.01
        ({"searches": 0}, "0.0012"),
        ({"searches": None}, "0.9"),  # unknown: what we estimated
        ({"searches": 1, "provider": "openrouter", "model": "openai/gpt-5-mini"}, "0.9"),  # without a price
        ({"searches": 3, "is_estimate": False}, "0.9"),  # reported
    ],
)
def test_searches_are_billed_beside_the_tokens(
    sql: Sql, anna: int, ask: Ask, values: dict[str, Any], cost: str
) -> None:
    call = ai_call(tokens_in=1000, tokens_cached=0, tokens_out=475, cost="0.9", is_estimate=True)
    ask(anna).finish("settled", call | values)
    assert [row["cost"] for row in rows_of(sql, anna)] == [Decimal(cost)]


def test_a_price_counts_from_its_day(sql: Sql, anna: int, ask: Ask, clock: Callable[[str], None]) -> None:
    sql(
        "insert into ai_model_prices (provider, model, component, price_usd, valid_from, source)"
        " values ('openai', 'gpt-5-mini', 'output_tokens', 4, '2026-12-01', 'a test')"
    )
    call = ai_call(tokens_in=0, tokens_out=1000, cost="0.03", is_estimate=True)
    for moment in ("2026-11-30 23:59:59+00", "2026-12-01 00:00+00"):
        clock(f"timestamptz '{moment}'")
        ask(anna).finish("settled", call)
    assert [row["cost"] for row in rows_of(sql, anna)] == [Decimal("0.002"), Decimal("0.004")]


def test_a_failed_request_does_not_count_but_its_calls_are_stored(sql: Sql, anna: int, ask: Ask) -> None:
    ask(anna).finish("released", ai_call(model=f"x{anna}", status="provider_timeout"))
    assert [row["status"] for row in rows_of(sql, anna)] == ["provider_timeout"]
    assert (daily_total(sql, "requests", model=f"x{anna}"), daily_total(sql, "errors", model=f"x{anna}")) == (
        0,
        1,
    )


def test_a_request_on_a_user_api_key_is_served_and_counted_apart(sql: Sql, anna: int, ask: Ask) -> None:
    update = ask(anna)
    update.finish(None, ai_call(model=f"x{anna}", is_user_api_key=True, status="part"))
    ask(anna).finish(None, ai_call(model=f"x{anna}", is_user_api_key=True, status="invalid_key"))
    assert daily_total(sql, "requests", model=f"x{anna}", is_user_api_key=True) == 1
    assert sql(
        "select requests, user_api_key_requests from daily_usage where user_id = %s", user_id(sql, anna)
    ) == [{"requests": 0, "user_api_key_requests": 1}]


def test_finishing_again_or_too_late_counts_nothing(sql: Sql, anna: int, ask: Ask) -> None:
    update = ask(anna)
    for _ in range(3):
        update.finish("settled", ai_call(model=f"x{anna}"))
    late = ask(anna)
    late.received["attempt"] += 1
    assert late.finish("settled", ai_call(model=f"x{anna}"))["outcome"] == "superseded"
    assert len(rows_of(sql, anna)) == 1
    assert daily_total(sql, "requests", model=f"x{anna}") == 1


def test_forty_updates_finishing_at_once_lose_no_counts(sql: Sql, anna: int, ask: Ask) -> None:
    sql("update subscription_limits set daily_requests = 1000 where plan = 'FREE'")
    updates = [ask(anna) for _ in range(40)]
    models = [f"a{anna}", f"b{anna}"]
    calls = [ai_call(model=model, cost="0.5") for model in models]
    in_parallel(40, lambda n: updates[n].finish("settled", *calls[:: 1 if n % 2 else -1]))
    for model in models:
        assert (daily_total(sql, "calls", model=model), daily_total(sql, "cost", model=model)) == (40, 20)
    assert sum(daily_total(sql, "requests", model=model) for model in models) == 40
    shards = sql("select count(distinct shard) n from daily_totals where model = %s", models[0])
    assert shards[0]["n"] == 16
    assert sql("select sum(calls)::int n from monthly_api_usage where model = %s", models[0]) == [{"n": 40}]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (7, 7), (7.4, 7), ("7", 7), ("7.6", 8), (2**31 - 1, 2**31 - 1), (2**31, None), (2**31 - 0.5, None),
        (-1, None),
        (1e300, None), ("many", None), ("NaN", None), (True, None), ([7], None), ({}, None), ("", None),
    ],
)  # fmt: skip
def test_an_invalid_figure_never_undoes_an_answer(
    sql: Sql, anna: int, ask: Ask, value: Any, kept: int | None
) -> None:
    odd = dict.fromkeys(("ms", "request_bytes", "response_bytes", "tokens_in", "tokens_out"), value)
    assert ask(anna).finish("settled", ai_call(model=f"x{anna}", **odd))["outcome"] == "finished"
    (row,) = rows_of(sql, anna)
    assert [row["tokens_in"], row["tokens_out"]] == [kept, kept]
    assert [row["ms"], row["request_bytes"], row["response_bytes"]] == [kept or 0] * 3
    assert daily_total(sql, "tokens_in", model=f"x{anna}") == (kept or 0)


@pytest.mark.parametrize(
    ("cost", "kept"),
    [
        ("0.1", "0.1"), (0.1, "0.1"), ("7E-7", "0.0000007"), ("0", "0"), ("-1", None), ("NaN", None),
        ("Infinity", None), ("1e9", None), ("9999999", None), ("free", None), (True, None), ([1], None),
    ],
)  # fmt: skip
def test_an_invalid_price_is_ignored(sql: Sql, anna: int, ask: Ask, cost: Any, kept: str | None) -> None:
    assert ask(anna).finish("settled", ai_call(cost=cost))["outcome"] == "finished"
    assert rows_of(sql, anna)[0]["cost"] == (None if kept is None else Decimal(kept))


def test_missing_or_unknown_fields_of_a_call_get_defaults(sql: Sql, anna: int, ask: Ask) -> None:
    call = ai_call(kind="smell") | dict.fromkeys(("provider", "model", "status", "ms", "is_user_api_key"))
    assert ask(anna).finish("settled", call)["outcome"] == "finished"
    (row,) = rows_of(sql, anna)
    assert (row["kind"], row["provider"], row["ms"], row["is_user_api_key"]) == ("chat", "", 0, False)


CALLS = st.lists(
    st.builds(
        ai_call,
        provider=st.sampled_from(["openai", "openrouter"]),
        model=st.sampled_from(["one", "two"]),
        kind=st.sampled_from(["chat", "image", "video"]),
        status=st.sampled_from(["ok", "part", "provider_timeout", "content_refused"]),
        ms=st.integers(0, 60_000),
        tokens_in=st.none() | st.integers(0, 10**6),
        tokens_out=st.none() | st.integers(0, 10**6),
        cost=st.none() | st.decimals(0, 100, places=8).map(str),
        is_user_api_key=st.booleans(),
    ),
    max_size=4,
)


@SLOW
@given(updates=st.lists(st.tuples(st.sampled_from(["settled", "released"]), CALLS), max_size=5))
def test_the_counters_are_the_sums_of_the_rows(
    sql: Sql, ask: Ask, updates: list[tuple[str, list[dict[str, Any]]]]
) -> None:
    anna = served_user(sql)
    user = user_id(sql, anna)
    before = sql(DAY)[0]
    served = 0
    for reservation, calls in updates:
        ask(anna).finish(reservation, *calls)
        own = bool(calls) and calls[-1]["is_user_api_key"] and calls[-1]["status"] in ("ok", "part")
        paid = any(call["cost"] is not None and not call["is_user_api_key"] for call in calls)
        served += reservation == "settled" or own or paid
    key = "provider, model, is_user_api_key"
    rows = sql(f"select {key}, {SUMS} from api_usage where user_id = %s group by {key} order by {key}", user)
    assert (
        sql(f"select {key}, {FIGURES} from monthly_api_usage where user_id = %s order by {key}", user) == rows
    )
    grown = [(new or 0) - (before[figure] or 0) for figure, new in sql(DAY)[0].items()]
    assert grown == [served, *(sum(row[figure] for row in rows) for figure in FIGURES.split(", "))]


def test_a_new_user_is_counted_once(sql: Sql, ask: Ask) -> None:
    anna = unseen_telegram_id()
    in_parallel(12, lambda _n: ask(anna))
    ask(anna)
    assert daily_total(sql, "new_users") == 1


# Over HTTP ----------------------------------------------------------------------------------------------


def test_every_attempt_of_a_chat_is_recorded(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    stack.ai.next(AiBehaviour(status=503), AiBehaviour(text="It is Paris."))
    anna.send("The capital of France?")
    assert anna.answer().text == "It is Paris."
    first, second = rows_of(sql, anna.id)
    assert (first["status"], second["status"]) == ("server_error", "ok")
    assert (second["provider"], second["model"], second["kind"]) == ("openai", "gpt-5.4-mini", "chat")
    assert (
        min(second["tokens_in"], second["tokens_out"], second["request_bytes"], second["response_bytes"]) > 0
    )
    assert first["request_bytes"] == second["request_bytes"]
    assert not second["is_user_api_key"]


def test_a_failure_with_an_apology_is_recorded_and_the_request_released(stack: Stack, sql: Sql) -> None:
    anna = stack.telegram.user("Anna").chat("assistant")
    stack.ai.next(AiBehaviour(status=403))
    anna.send("Something bad")
    assert "won’t answer this" in anna.answer().text
    assert [row["status"] for row in rows_of(sql, anna.id)] == ["content_refused"]
    assert sql("select requests from monthly_usage where user_id = %s", user_id(sql, anna.id)) == [
        {"requests": 0}
    ]


@pytest.mark.parametrize("when", ["before", "after"])
def test_calls_count_once_after_a_crash_while_finishing(
    stack: Stack, sql: Sql, clock: Callable[[str], None], when: Any
) -> None:
    user = stack.telegram.user("Anna")
    anna = user.chat("assistant")
    anna.send("/start")
    anna.answer()
    stack.database.on("finish_update", when=when, do=lambda: stack.function("telegram").kill())
    sent = anna.send(f"hello {anna.id}")
    eventually(lambda: not stack.function("telegram").pid, 20)
    clock("clock_timestamp() + interval '3 minutes'")
    stack.function("telegram").restart()
    stack.telegram.retry_now()
    sent.wait(timeout=25)
    eventually(lambda: anna.answers()[1:], 20)
    assert [row["status"] for row in rows_of(sql, anna.id)] == ["ok"]
    row_id = user_id(sql, anna.id)
    assert sql("select requests from monthly_usage where user_id = %s", row_id) == [{"requests": 1}]
    assert sql("select calls from monthly_api_usage where user_id = %s", row_id) == [{"calls": 1}]
