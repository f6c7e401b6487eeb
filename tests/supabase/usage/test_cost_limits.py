"""Limits of AI cost: questions in progress, released requests, daily cost per user and per bot."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.supabase.usage.test_limits import SLOW
from tests.supabase.usage.users import Sql, Update, ai_call, served_user, usage_counters, user_id
from tests.support import in_parallel

Ask = Callable[..., Update]
Setting = Callable[[str, float], None]
PAID = ai_call(cost="0.01")
FREE = ai_call(cost=None, status="server_error")
OWN = ai_call(cost="0.01", is_user_api_key=True)


@pytest.fixture
def question(call: Callable[..., Any]) -> Ask:
    """Ask a question that may cost `cost` dollars."""
    numbers = itertools.count(5_000_000_000)

    def receive(telegram_id: int, cost: str = "0.25", bot: str = "assistant") -> Update:
        return Update(call, bot, next(numbers), telegram_id, cost=cost)

    return receive


@pytest.mark.parametrize(
    ("reservation", "calls", "requests"),
    [
        (None, [], 0),
        (None, [FREE], 0),
        (None, [FREE, PAID], 1),
        ("released", [PAID], 1),
        ("released", [ai_call(cost="0")], 1),
        ("released", [OWN], 0),
        ("settled", [], 1),
    ],
)
def test_a_request_counts_when_a_provider_call_was_billed(
    sql: Sql, anna: int, ask: Ask, reservation: str | None, calls: list[dict[str, Any]], requests: int
) -> None:
    ask(anna).finish(reservation, *calls)
    assert usage_counters(sql, anna).day == usage_counters(sql, anna).month == requests


def test_a_billed_request_counts_although_the_handler_failed(sql: Sql, anna: int, ask: Ask) -> None:
    update = ask(anna)
    update.fail(PAID)
    again = update.receive()
    assert again["reservation"] == "settled", "the next attempt may ask, and takes no second request"
    update.received = again
    update.fail(PAID)
    update.received = update.receive()
    update.finish("settled", PAID)
    assert usage_counters(sql, anna).day == 1
    assert sql("select count(*)::int n from api_usage where user_id = %s", user_id(sql, anna)) == [{"n": 3}]
    ask(anna).fail(FREE)
    assert usage_counters(sql, anna).day == 1


def test_releases_are_limited_and_only_failed_calls_use_them(
    sql: Sql, anna: int, ask: Ask, setting: Setting
) -> None:
    setting("daily_releases", 2)
    for _ in range(3):
        ask(anna).finish("released")  # no provider was called
    left = []
    for _ in range(4):
        update = ask(anna)
        left.append(update.received["releases_left"])
        update.finish("released", FREE)
    assert left == [2, 1, 0, 0]
    assert usage_counters(sql, anna).day == 2


def test_releases_left_leaves_room_for_the_questions_in_progress(
    anna: int, ask: Ask, setting: Setting
) -> None:
    setting("daily_releases", 2)
    assert [ask(anna).received["releases_left"] for _ in range(3)] == [2, 1, 0]


@pytest.mark.parametrize("has_user_api_key", [False, True])
def test_questions_beyond_the_limit_in_progress_cost_nothing(
    sql: Sql, anna: int, ask: Ask, setting: Setting, has_user_api_key: bool
) -> None:
    setting("questions_in_progress", 2)
    if has_user_api_key:
        give_key(sql, anna)
    taken = "user_api_key" if has_user_api_key else "reserved"
    updates = in_parallel(12, lambda n: ask(anna, ("assistant", "second")[n % 2]))
    assert sorted(update.reservation or "" for update in updates) == ["in_progress"] * 10 + [taken] * 2
    assert usage_counters(sql, anna).day == (0 if has_user_api_key else 2)
    for update in updates:
        update.finish("settled" if update.reservation == taken else None)
    assert ask(anna).reservation == taken, "the place is free again"


def test_a_question_of_a_crashed_worker_is_not_in_progress(
    anna: int, ask: Ask, setting: Setting, clock: Callable[[str], None]
) -> None:
    setting("questions_in_progress", 1)
    ask(anna)
    assert ask(anna).reservation == "in_progress"
    clock("clock_timestamp() + interval '41 seconds'")
    assert ask(anna).reservation == "reserved"


def test_requests_left_are_checked_first(
    anna: int, ask: Ask, limits: Callable[..., None], setting: Setting
) -> None:
    limits(daily_requests=1)
    setting("questions_in_progress", 1)
    ask(anna)
    assert ask(anna).reservation == "refused"


def test_a_user_is_stopped_at_the_daily_cost_in_all_bots_until_the_day_ends(
    sql: Sql, anna: int, question: Ask, setting: Setting, clock: Callable[[str], None]
) -> None:
    setting("daily_cost_user", 1)
    clock("(timestamptz '2026-11-20 12:00+00')")
    question(anna).finish("settled", ai_call(cost="0.70"), OWN)
    question(anna, bot="second").finish("settled", ai_call(cost="0.05", model="another"))
    assert question(anna, "0.2500001").reservation == "user_cost"
    assert question(anna, "0.25", "second").reservation == "reserved"
    assert question(anna, "0.01").reservation == "user_cost", "what is in progress may cost the rest"
    assert usage_counters(sql, anna).day == 3, "a stopped question takes no request"
    assert question(served_user(sql)).reservation == "reserved"
    clock("(timestamptz '2026-11-20 21:00:01+00')")  # midnight in Moscow
    assert question(anna, "0.99").reservation == "reserved"


def test_structured_answers_count_in_the_cost_limits_as_chats_do(
    sql: Sql, anna: int, question: Ask, setting: Setting
) -> None:
    setting("daily_cost_user", 1)
    question(anna).finish("settled", ai_call(kind="classification", cost="0.60"), ai_call(cost="0.30"))
    assert question(anna, "0.11").reservation == "user_cost"
    assert question(anna, "0.10").reservation == "reserved"
    rows = sql("select kind, cost from api_usage where user_id = %s order by id", user_id(sql, anna))
    assert [(row["kind"], row["cost"]) for row in rows] == [
        ("chat", Decimal("0.6")),
        ("chat", Decimal("0.3")),
    ]
    assert usage_counters(sql, anna).day == 2, "both calls of an update are one request"


def test_a_user_api_key_goes_on_when_the_cost_limits_are_reached(
    sql: Sql, anna: int, question: Ask, setting: Setting
) -> None:
    setting("daily_cost_user", 0.1)
    setting("daily_cost_bot", 0.1)
    question(anna, "0").finish("settled", ai_call(cost="5"))
    assert question(anna).reservation == "user_cost"
    give_key(sql, anna)
    assert question(anna).reservation == "user_api_key"


def test_a_bot_is_stopped_at_its_daily_cost_and_other_bots_are_not(
    sql: Sql, anna: int, question: Ask, setting: Setting
) -> None:
    setting("daily_cost_bot", 2)
    question(anna).finish("settled", ai_call(cost="1.6"))
    ben = served_user(sql)
    assert question(ben, "0.41").reservation == "bot_cost"
    assert question(ben, "0.4").reservation == "reserved"
    assert question(served_user(sql), "0.01").reservation == "bot_cost"
    assert question(served_user(sql), "0.01", "second").reservation == "reserved"


def test_no_limit_where_it_is_zero(sql: Sql, anna: int, question: Ask, setting: Setting) -> None:
    setting("daily_cost_user", 0)
    setting("daily_cost_bot", 0)
    question(anna).finish("settled", ai_call(cost="900"))
    assert question(anna, "900").reservation == "reserved"


def test_fifty_questions_at_once_stay_within_the_cost_limit_of_the_bot(
    sql: Sql, question: Ask, setting: Setting
) -> None:
    setting("daily_cost_bot", 1)
    users = [served_user(sql) for _ in range(25)]
    updates = in_parallel(25, lambda n: question(users[n], "0.25"))
    assert sorted(update.reservation or "" for update in updates) == ["bot_cost"] * 21 + ["reserved"] * 4


@SLOW
@given(
    steps=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 4), st.booleans()), min_size=4, max_size=12)
)
def test_any_sequence_of_questions_stays_within_the_daily_cost(
    sql: Sql, question: Ask, setting: Setting, steps: list[tuple[int, int, bool]]
) -> None:
    setting("daily_cost_user", 1)
    anna = served_user(sql)
    spent, running = Decimal(0), []
    for cost, share, ends in steps:
        update = question(anna, str(Decimal(cost) / 100))
        if update.reservation == "reserved":
            running.append((update, Decimal(cost) / 100))
        if ends and running:
            update, most = running.pop(0)
            actual = most * share / 4
            update.finish(None, ai_call(cost=str(actual)))
            spent += actual
        assert spent + sum(most for _, most in running) <= 1


def test_admins_are_alerted_once_a_day_for_each_limit(
    sql: Sql, anna: int, question: Ask, setting: Setting
) -> None:
    boss = served_user(sql)
    sql(
        "insert into bot_sessions (user_id, bot, chat_id) values (%s, 'assistant', %s)",
        user_id(sql, boss),
        boss,
    )
    sql("insert into admins (email, telegram_id) values ('boss@example.com', %s)", boss)
    setting("daily_cost_user", 0.5)
    setting("daily_cost_bot", 2)
    for telegram_id in (anna, served_user(sql)):
        for _ in range(3):
            question(telegram_id, "0.6")
    question(anna, "0.5").finish("settled", ai_call(cost="1.9"))
    for _ in range(3):
        question(served_user(sql), "0.5")
    messages = [row["parameters"] for row in sql("select parameters from telegram_outbox order by id")]
    assert [message["key"] for message in messages] == ["admin_alert_user_cost", "admin_alert_bot_cost"]
    assert messages[0]["values"] == {"bot": "assistant", "limit": "0.5", "user": anna}
    assert messages[1]["values"]["limit"] == "2"


def test_the_history_is_bounded_by_characters(
    sql: Sql, anna: int, call: Callable[..., Any], ask: Ask
) -> None:
    user = user_id(sql, anna)
    for length in (700, 200, 100):
        sql(
            "insert into messages (user_id, bot, chat_id, role, content) "
            "values (%s, 'assistant', %s, 'user', repeat('漢', %s))",
            user,
            anna,
            length,
        )
    for bound, lengths in [
        (99, []),
        (100, [100]),
        (300, [200, 100]),
        (999, [200, 100]),
        (1000, [700, 200, 100]),
    ]:
        update = Update(call, "assistant", bound, anna, characters=bound)
        assert [len(message["content"]) for message in update.received["history"]] == lengths
        update.finish("released")


def give_key(sql: Sql, telegram_id: int) -> None:
    """Store a user API key, which the user's questions use from now on."""
    sql(
        "insert into user_tokens (user_id, provider, last_four, ciphertext, key_id, is_active) "
        "values (%s, 'openai', '1234', %s, 'k1', true)",
        user_id(sql, telegram_id),
        b"encrypted",
    )
