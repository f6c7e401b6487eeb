"""Monthly budgets of users and bots: exact under parallel calls, from counters, with two alarms."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.stories.test_admin import Appoint
from tests.supabase.generations.jobs import Painter
from tests.supabase.usage.test_cost_limits import give_key
from tests.supabase.usage.users import Sql, Update, ai_call, served_user, user_id
from tests.support import in_parallel, says
from tools.emulator.stack import Stack

Ask = Callable[..., Update]
Setting = Callable[[str, float], None]
Clock = Callable[[str], None]
OWN = ai_call(cost="50", is_user_api_key=True)


@pytest.fixture
def question(call: Callable[..., Any], setting: Setting) -> Ask:
    """Ask a question that may cost `cost` dollars; there are no daily limits."""
    numbers = itertools.count(6_000_000_000)
    setting("daily_cost_user", 0)
    setting("daily_cost_bot", 0)
    setting("questions_in_progress", 1000)

    def receive(telegram_id: int, cost: str = "0.25", bot: str = "assistant") -> Update:
        return Update(call, bot, next(numbers), telegram_id, cost=cost)

    return receive


def at(clock: Clock, moment: str) -> None:
    clock(f"(timestamptz '{moment}')")


def test_a_user_is_stopped_in_all_bots_until_the_month_ends(
    sql: Sql, anna: int, question: Ask, setting: Setting, clock: Clock
) -> None:
    setting("monthly_cost_user", 2)
    at(clock, "2026-11-10 12:00+00")
    question(anna).finish("settled", ai_call(cost="1"), OWN)
    at(clock, "2026-11-20 12:00+00")
    question(anna, bot="second").finish("settled", ai_call(cost="0.5", model="another"))
    assert question(anna, "0.500001").reservation == "user_month"
    assert question(anna, "0.5").reservation == "reserved"
    assert question(anna, "0.01", "second").reservation == "user_month", "the question in progress counts"
    assert question(served_user(sql)).reservation == "reserved"
    at(clock, "2026-11-30 21:00:01+00")  # December in Moscow
    assert question(anna, "1.9").reservation == "reserved"


def test_a_bot_is_stopped_by_all_days_of_its_month(
    sql: Sql, anna: int, question: Ask, setting: Setting, clock: Clock
) -> None:
    setting("monthly_cost_bot", 5)
    for day in ("10-31", "11-01", "11-02", "11-05", "11-06", "11-07"):
        at(clock, f"2026-{day} 12:00+00")
        question(anna, "0.001").finish("settled", ai_call(cost="0.9"), OWN)
    assert sql("select private.bot_month_cost('assistant', '2026-11-07') as usd") == [{"usd": Decimal("4.5")}]
    assert question(anna, "0.51").reservation == "bot_month"
    assert question(served_user(sql), "0.5").reservation == "reserved"
    assert question(anna, "0.51", "second").reservation == "reserved"
    at(clock, "2026-12-01 12:00+00")
    assert question(anna, "4").reservation == "reserved"


def test_past_days_are_read_once(sql: Sql, anna: int, question: Ask, setting: Setting, clock: Clock) -> None:
    setting("monthly_cost_bot", 50)
    at(clock, "2026-11-03 12:00+00")
    question(anna).finish("settled", ai_call(cost="3"))
    at(clock, "2026-11-09 12:00+00")
    question(anna).finish("settled", ai_call(cost="1"))
    assert question(anna).reservation == "reserved"
    (counter,) = sql("select through::text, cost from private.bot_month_costs where bot = 'assistant'")
    assert counter == {"through": "2026-11-07", "cost": Decimal(3)}
    sql("delete from daily_totals where day = '2026-11-03'")
    assert sql("select private.bot_month_cost('assistant', '2026-11-09') as usd") == [{"usd": Decimal(4)}]


def test_one_bot_has_a_budget_of_its_own(sql: Sql, anna: int, question: Ask, setting: Setting) -> None:
    setting("monthly_cost_bot", 1)
    sql("insert into private.settings (key, value, about) values ('monthly_cost_bot:second', '9', 'a test')")
    assert question(anna, "2").reservation == "bot_month"
    assert question(anna, "2", "second").reservation == "reserved"


@pytest.mark.parametrize("key", ["monthly_cost_user", "monthly_cost_bot"])
def test_own_keys_go_on(sql: Sql, anna: int, question: Ask, setting: Setting, key: str) -> None:
    setting(key, 0.1)
    assert question(anna).reservation != "reserved"
    give_key(sql, anna)
    assert question(anna).reservation == "user_api_key"


def test_forty_questions_at_once_stay_within_the_budget_of_the_bot(
    sql: Sql, question: Ask, setting: Setting
) -> None:
    setting("monthly_cost_bot", 1)
    users = [served_user(sql) for _ in range(40)]
    updates = in_parallel(40, lambda n: question(users[n], "0.25"))
    assert sorted(update.reservation or "" for update in updates) == ["bot_month"] * 36 + ["reserved"] * 4


def test_questions_of_one_user_at_once_stay_within_the_budget(
    anna: int, question: Ask, setting: Setting
) -> None:
    setting("monthly_cost_user", 1)
    updates = in_parallel(20, lambda n: question(anna, "0.25", ("assistant", "second")[n % 2]))
    assert sorted(update.reservation or "" for update in updates) == ["reserved"] * 4 + ["user_month"] * 16


def test_jobs_and_questions_at_once_stay_within_the_budget_together(
    sql: Sql, call: Callable[..., Any], question: Ask, setting: Setting
) -> None:
    setting("monthly_cost_bot", 3)
    users = [served_user(sql) for _ in range(10)]
    painters = [Painter(sql, call) for _ in range(10)]

    def reserve(number: int) -> str:
        if number % 2:
            return str(painters[number // 2].ask(p_max_cost="0.8", p_bot="assistant")["outcome"])
        return question(users[number // 2], "0.3").reservation or ""

    outcomes = in_parallel(20, reserve)
    assert set(outcomes) == {"reserved", "bot_month"}
    (spent,) = sql(
        "select (select coalesce(sum(reserved_cost), 0) from telegram_updates where bot = 'assistant'"
        " and reservation = 'reserved') + private.open_jobs_cost('assistant') as usd"
    )
    assert Decimal("2.2") < spent["usd"] <= 3


def test_a_job_counts_for_its_user_and_what_was_sold_does_not(
    sql: Sql, call: Callable[..., Any], question: Ask, setting: Setting
) -> None:
    setting("monthly_cost_user", 1)
    setting("monthly_cost_bot", 1)
    anna = Painter(sql, call, balance="500")
    sold = anna.job("video", p_requests=0, p_amount="90", p_max_cost="0.8")
    sold.submit()
    sold.finish("0.8")
    first = anna.job(p_max_cost="0.6")
    assert anna.ask("video", p_max_cost="0.5") == {"outcome": "user_month"}
    first.submit()
    first.finish("0.2")
    assert anna.ask("video", p_max_cost="0.81") == {"outcome": "user_month"}
    assert anna.ask("video", p_max_cost="0.8")["outcome"] == "reserved"
    assert Painter(sql, call).ask(p_max_cost="0.1") == {"outcome": "bot_month"}


def test_the_admins_learn_of_eighty_and_of_a_hundred_percent_once_a_month(
    sql: Sql, anna: int, question: Ask, setting: Setting, clock: Clock
) -> None:
    boss = served_user(sql)
    sql("insert into admins (email, telegram_id) values ('boss@example.com', %s)", boss)
    sql(
        "insert into bot_sessions (user_id, bot, chat_id) values (%s, 'assistant', %s)"
        " on conflict do nothing",
        user_id(sql, boss),
        boss,
    )
    setting("monthly_cost_bot", 1)
    at(clock, "2026-11-20 12:00+00")
    for cost in ("0.79", "0.01", "0.01", "0.2", "0.2"):
        update = question(anna, cost)
        if update.reservation == "reserved":
            update.finish("settled", ai_call(cost=cost))
    at(clock, "2026-12-02 12:00+00")
    question(anna, "0.9")
    messages = [row["parameters"] for row in sql("select parameters from telegram_outbox order by id")]
    assert [message["key"] for message in messages] == [
        "admin_alert_bot_month_80",
        "admin_alert_bot_month_100",
        "admin_alert_bot_month_80",
    ]
    assert messages[0]["values"] == {"bot": "assistant", "limit": "1", "user": anna}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    ("key", "text"), [("monthly_cost_user", "limit_user_month"), ("monthly_cost_bot", "limit_bot_month")]
)
def test_users_and_admins_get_the_reason_in_their_language(
    stack: Stack, sql: Sql, setting: Setting, appoint: Appoint, language: str, key: str, text: str
) -> None:
    boss = appoint(language).chat("assistant")
    boss.send("/start")
    boss.answer()
    setting(key, 0.01)
    anna = stack.telegram.user("Anna", language).chat("assistant")
    anna.send("What is the capital of France?")
    assert says(anna.answer().text, text, language)
    assert not stack.ai.requests
    alert = f"admin_alert_{text.removeprefix('limit_')}_100"
    (row,) = sql("select parameters from telegram_outbox where method = 'template'")
    assert row["parameters"]["key"] == alert
    assert language in row["parameters"]["languages"]
    assert row["parameters"]["values"] == {"bot": "assistant", "limit": "0.01", "user": anna.id}
