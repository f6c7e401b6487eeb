"""How far new users of each bot got, and the figures of a bot: exact, and separate for each bot."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.supabase.admins.users import Call, Sql
from tests.support import new_telegram_id

Clock = Callable[[str], None]
_references = itertools.count(1)
DAY = "timestamptz '2041-03-{:02} 12:00 UTC'"


@pytest.fixture
def start(sql: Sql, call: Call, clock: Clock) -> Callable[..., int]:
    """Lets a user start a bot on a day of March and returns the user's id."""

    def run(bot: str, day: int, telegram_id: int = 0) -> int:
        clock(DAY.format(day))
        telegram_id = telegram_id or new_telegram_id()
        call("save_user_session", p_telegram_id=telegram_id, p_bot=bot, p_session={})
        return int(sql("select id from users where telegram_id = %s", telegram_id)[0]["id"])

    return run


def serve(sql: Sql, user_id: int, bot: str) -> None:
    """Count an answer of the AI as finish_update does."""
    sql(
        """update bot_sessions set stats_data = '{"requests": 1}' where user_id = %s and bot = %s""",
        user_id,
        bot,
    )


def train(call: Call, sql: Sql, user_id: int, bot: str) -> None:
    """Store a finished training."""
    (user,) = sql("select telegram_id from users where id = %s", user_id)
    training = {"scenario": "spin", "score": 9, "clarity_level": 9, "question_count": 5}
    call(
        "save_training_history",
        p_telegram_id=user["telegram_id"],
        p_bot=bot,
        p_reference=f"x:{next(_references)}",
        p_training=training,
    )


def pay(sql: Sql, user_id: int, bot: str, problem: str | None = None) -> None:
    """Store a completed payment."""
    number = next(_references)
    sql(
        "with o as (insert into orders (user_id, product_key, provider, currency, amount, status, kind, bot, "
        "expires_at) values (%s, 'premium_month', 'stripe', 'RUB', 499, 'completed', 'subscription', %s, "
        "private.clock()) returning id, user_id) "
        "insert into payments (provider, provider_payment_id, order_id, user_id, status, currency, amount, "
        "problem) select 'stripe', 'funnel' || %s, id, user_id, 'completed', 'RUB', 499, %s from o",
        user_id,
        bot,
        str(number),
        problem,
    )


def steps(found: dict[str, Any]) -> tuple[int, int, int, int]:
    return found["started"], found["answered"], found["finished"], found["paid"]


def test_each_step_is_counted_for_those_who_started(
    sql: Sql, call: Call, boss: str, clock: Clock, start: Callable[..., int]
) -> None:
    anna, ben, clara, dan = (start("spin", day) for day in (2, 3, 4, 5))
    eva = start("assistant", 3)
    for user_id in (anna, ben, clara):
        serve(sql, user_id, "spin")
    train(call, sql, anna, "spin")
    train(call, sql, ben, "spin")
    pay(sql, anna, "spin")
    pay(sql, anna, "spin")
    pay(sql, dan, "spin", "test")
    pay(sql, ben, "assistant")
    serve(sql, eva, "assistant")
    (telegram_id,) = (row["telegram_id"] for row in sql("select telegram_id from users where id = %s", eva))
    start("spin", 6, telegram_id)
    clock(DAY.format(10))

    def funnel(bot: str | None, since: int, until: int) -> tuple[int, int, int, int]:
        moments = [sql(f"select {DAY.format(day)} as at")[0]["at"] for day in (since, until)]
        found = call("admin_funnel", p_admin_email=boss, p_bot=bot, p_since=moments[0], p_until=moments[1])
        return steps(found)

    assert funnel("spin", 1, 10) == (5, 3, 2, 1)
    assert funnel("assistant", 1, 10) == (1, 1, 0, 0)
    assert funnel(None, 1, 10) == (5, 4, 2, 2), "a user of two bots counts once"
    assert funnel("spin", 3, 5) == (2, 2, 1, 0), "the end is not in the period"
    assert funnel(None, 6, 10) == (0, 0, 0, 0), "Eva had started another bot before"
    assert funnel("spin", 6, 10) == (1, 0, 0, 0)
    sql("delete from users where id = %s", anna)
    assert funnel("spin", 1, 10) == (4, 2, 1, 0)


def test_figures_are_those_of_the_bot(
    sql: Sql, call: Call, boss: str, clock: Clock, start: Callable[..., int]
) -> None:
    anna = start("spin", 1)
    ben = start("spin", 20)
    start("quiz", 28)
    clock(DAY.format(28))
    serve(sql, anna, "spin")
    train(call, sql, ben, "spin")
    (telegram_id,) = (row["telegram_id"] for row in sql("select telegram_id from users where id = %s", ben))
    call("award_xp", p_telegram_id=telegram_id, p_bot="spin", p_rule="service", p_reference="a", p_points=70)
    call("award_xp", p_telegram_id=telegram_id, p_bot="quiz", p_rule="service", p_reference="b", p_points=5)
    call("save_user_session", p_telegram_id=telegram_id, p_bot="spin", p_session={"a": 1})
    found = call("admin_bot_stats", p_admin_email=boss, p_bot="spin")
    assert (found["bot"], found["users"], found["requests"], found["total_xp"]) == ("spin", 2, 1, 70)
    assert found["new"] == {"day": 0, "week": 0, "month": 2}
    assert found["active"] == {"day": 1, "week": 1, "month": 2}
    assert found["trainings"] == {"day": 1, "week": 1, "month": 1, "total": 1}
    assert steps(found["funnel"]) == (2, 1, 1, 0)
    together = call("admin_bot_stats", p_admin_email=boss)
    assert (together["bot"], together["users"], together["total_xp"]) == (None, 3, 75)
    assert call("admin_bot_stats", p_admin_email=boss, p_bot="no_bot")["users"] == 0


def test_active_sessions_are_those_of_the_bot(sql: Sql, call: Call, start: Callable[..., int]) -> None:
    user_id = start("spin", 9)
    for number, bot in enumerate(("spin", "spin", "quiz"), 1):
        sql(
            "insert into telegram_updates (bot, update_id, kind, status, chat_id, user_id) "
            "values (%s, %s, 'message', 'finished', %s, %s)",
            bot,
            900 + number,
            number,
            user_id,
        )
    assert call("count_active_sessions", p_bot="spin") == 2
    assert call("count_active_sessions", p_bot="quiz") == 1
    assert call("count_active_sessions") == 3


@pytest.mark.parametrize("function", ["admin_funnel", "admin_bot_stats"])
def test_only_admins_see_them(refused: Callable[..., str], function: str) -> None:
    assert refused(function, p_admin_email="stranger@example.com") == "N0001"


def test_a_quiz_is_answered_and_finished(
    sql: Sql, call: Call, boss: str, clock: Clock, start: Callable[..., int]
) -> None:
    anna, ben, _clara = (start("quiz", 2) for _ in range(3))
    for user_id, answered, status, result in ((anna, 1, "finished", "{}"), (ben, 1, "open", None)):
        sql(
            "insert into quiz_runs "
            "(user_id, bot, kind, questions, reference, answered, shown, status, result) "
            "values (%s, 'quiz', 'topic', '{a}', 'r', %s, 1, %s, %s)",
            user_id,
            answered,
            status,
            result,
        )
    clock(DAY.format(10))
    assert steps(call("admin_funnel", p_admin_email=boss, p_bot="quiz")) == (3, 2, 1, 0)
    assert steps(call("admin_funnel", p_admin_email=boss, p_bot="spin")) == (0, 0, 0, 0)
