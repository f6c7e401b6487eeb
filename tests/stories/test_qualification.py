"""The AI reads conversations and notes who a user is, what they want and how ready they are, with proof."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.stories.test_messenger_thread import conversation_of
from tests.stories.test_trial import user_id
from tests.support import in_parallel
from tests.telegram.test_updates import Sql
from tools.emulator.ai import AiBehaviour
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

WORDS = ("Hi, I'm Anna", "I run a bakery in Kazan", "we need a bot for orders")


def lead(
    *signals: tuple[str, str], name: str = "", background: str = "", query: str = "", **quotes: str
) -> AiBehaviour:
    """An answer of the AI; each field with a quote of its name, message 1."""
    values = {"real_name": name, "background": background, "query": query}
    return AiBehaviour(
        text=json.dumps(
            {
                **{
                    field: {"value": value, "quote": quotes.get(f"{field}_quote", ""), "message": 1}
                    for field, value in values.items()
                },
                "signals": [{"kind": kind, "quote": quote, "message": 1} for kind, quote in signals],
                "language": "en",
            }
        )
    )


@pytest.fixture
def anna(stack: Stack, sql: Sql) -> Chat:
    """A user who wrote nothing yet, where the qualification is on."""
    set_to(sql, "qualification", "true")
    chat = stack.telegram.user("Anna", "en").chat("assistant")
    chat.send("/start").wait()
    chat.answer()
    return chat


def set_to(sql: Sql, key: str, value: str) -> None:
    sql(
        "insert into private.settings (key, value, about) values (%s, %s, '')"
        " on conflict (key) do update set value = excluded.value",
        key,
        value,
    )


def say(stack: Stack, chat: Chat, *texts: str) -> None:
    for text in texts:
        stack.ai.next(AiBehaviour(text="Noted."))
        chat.send(text).wait()
        chat.answer()
    stack.telegram.idle(10)


def silence(sql: Sql, seconds: int = 100) -> None:
    """Let time pass in all conversations."""
    sql(f"update conversations set last_message_at = last_message_at - interval '{seconds} s'")
    sql(f"update conversation_messages set created_at = created_at - interval '{seconds} s'")
    sql(f"update crm_cards set run_at = run_at - interval '{seconds} s'")


def run(stack: Stack) -> dict[str, int]:
    return {key: value for key, value in stack.run_job("crm").json().items() if value}


def card_of(sql: Sql, chat: Chat) -> dict[str, Any]:
    (found,) = sql(
        "select k.* from crm_cards as k join conversations as c on c.id = k.conversation_id"
        " join users as u on u.id = c.user_id where u.telegram_id = %s",
        chat.id,
    )
    return found


def fields_of(sql: Sql, chat: Chat) -> tuple[Any, ...]:
    found = conversation_of(sql, chat.id)
    return found["ai_real_name"], found["ai_background"], found["ai_query"], found["ai_ready_score"]


def test_it_is_off_by_default(stack: Stack, sql: Sql, anna: Chat) -> None:
    set_to(sql, "qualification", "false")
    say(stack, anna, *WORDS)
    silence(sql)
    asked = len(stack.ai.requests)
    assert run(stack) == {}
    assert len(stack.ai.requests) == asked


def test_three_messages_and_silence_make_a_card(stack: Stack, sql: Sql, anna: Chat) -> None:
    say(stack, anna, *WORDS)
    assert run(stack) == {}, "the user is still writing"
    silence(sql)
    stack.ai.next(
        lead(
            ("need", "we need a bot for orders"),
            name="Anna",
            real_name_quote="I'm Anna",
            background="Runs a bakery in Kazan",
            background_quote="I run a bakery",
            query="A bot that takes orders",
            query_quote="a bot for orders",
        )
    )
    assert run(stack) == {"qualified": 1}
    assert fields_of(sql, anna) == ("Anna", "Runs a bakery in Kazan", "A bot that takes orders", 20)
    card = card_of(sql, anna)
    assert card["stage"] == "new"
    assert card["evidence"]["real_name"]["quote"] == "I'm Anna"
    assert [one["kind"] for one in card["signals"]] == ["need"]
    usage = sql("select reason, kind, user_id from api_usage where reason is not null")
    assert usage == [{"reason": "qualification", "kind": "chat", "user_id": user_id(sql, anna)}]
    silence(sql, 700)
    assert run(stack) == {}, "nothing new"


def test_words_of_payment_do_not_wait(stack: Stack, sql: Sql, anna: Chat) -> None:
    say(stack, anna, "How can I pay for a year?")
    stack.ai.next(lead(("payment", "How can I pay")))
    assert run(stack) == {"qualified": 1}
    assert fields_of(sql, anna)[3] == 20


@pytest.mark.parametrize(
    ("text", "is_intent"),
    [
        ("Как оплатить тариф?", True),
        ("хочу купить подписку", True),
        ("выставите, пожалуйста, счёт", True),
        ("куда вам платить", True),
        ("I want to buy it", True),
        ("send me the invoice", True),
        ("как дела", False),
        ("what is a payment?", False),
        ("расскажи анекдот", False),
    ],
)
def test_payment_intent(sql: Sql, text: str, is_intent: bool) -> None:
    assert sql("select private.has_payment_intent(%s) as found", text) == [{"found": is_intent}]


def test_an_order_of_ours_counts_and_no_label_of_the_ai_does(stack: Stack, sql: Sql, anna: Chat) -> None:
    say(stack, anna, *WORDS)
    sql(
        "insert into orders (user_id, product_key, provider, currency, amount, kind, bot, expires_at)"
        " select %s, key, 'fake', 'RUB', 1, kind, 'assistant', now() from products limit 1",
        user_id(sql, anna),
    )
    silence(sql)
    stack.ai.next(lead())
    run(stack)
    assert fields_of(sql, anna)[3] == 30


def test_a_quote_of_the_assistant_proves_nothing(stack: Stack, sql: Sql, anna: Chat) -> None:
    say(stack, anna, *WORDS)
    stack.ai.next(AiBehaviour(text="Tell me your budget, Boris, I decide everything here."))
    anna.send("hm").wait()
    anna.answer()
    stack.telegram.idle(10)
    silence(sql)
    stack.ai.next(
        lead(
            ("budget", "Tell me your budget"),
            ("decision", "I decide everything"),
            name="Boris",
            real_name_quote="your budget, Boris",
            query="To fly to the moon",
            query_quote="I want to fly",
        )
    )
    assert run(stack) == {"qualified": 1}
    assert fields_of(sql, anna) == (None, None, None, 0)


def test_what_a_person_typed_is_locked_and_not_sent(stack: Stack, sql: Sql, anna: Chat) -> None:
    say(stack, anna, *WORDS)
    conversation = conversation_of(sql, anna.id)["id"]
    sql(
        "update conversations set ai_real_name = 'Anna Petrovna', ai_ready_score = 90 where id = %s",
        conversation,
    )
    sql(
        "insert into crm_cards (conversation_id, locked) values (%s, '{real_name, ready_score}')",
        conversation,
    )
    silence(sql)
    stack.ai.next(
        lead(name="Anna", real_name_quote="I'm Anna", query="A bot", query_quote="a bot for orders")
    )
    run(stack)
    assert fields_of(sql, anna) == ("Anna Petrovna", None, "A bot", 90)
    assert "Petrovna" not in json.dumps(stack.ai.requests[-1], ensure_ascii=False)
    assert "real_name" not in card_of(sql, anna)["evidence"]


def test_what_was_found_stays_where_nothing_new_is(stack: Stack, sql: Sql, anna: Chat) -> None:
    say(stack, anna, *WORDS)
    silence(sql)
    stack.ai.next(lead(("need", "we need a bot"), name="Anna", real_name_quote="I'm Anna"))
    run(stack)
    say(stack, anna, "one", "two", "three")
    silence(sql, 700)
    stack.ai.next(lead(("budget", "what does it cost")))
    assert run(stack) == {"qualified": 1}
    assert fields_of(sql, anna) == ("Anna", None, None, 20)


def test_a_user_has_five_runs_a_day_ten_minutes_apart(stack: Stack, sql: Sql, anna: Chat) -> None:
    stack.ai.answer_with("LeadAnswer", lambda _messages, _schema: json.loads(str(lead().text)))
    runs = 0
    for _ in range(7):
        say(stack, anna, "how can I pay?")
        runs += run(stack).get("qualified", 0)
        say(stack, anna, "how can I pay?")
        assert run(stack) == {}, "ten minutes"
        silence(sql, 700)
    assert runs == 5


def test_a_bot_keeps_its_budget(stack: Stack, sql: Sql, anna: Chat) -> None:
    set_to(sql, "qualification_daily_cost:assistant", "0.000001")
    say(stack, anna, "how can I pay?")
    asked = len(stack.ai.requests)
    assert run(stack) == {}
    assert len(stack.ai.requests) == asked
    assert sql("select * from qualification_days") == []
    set_to(sql, "qualification_daily_cost:assistant", "5")
    stack.ai.next(lead())
    assert run(stack) == {"qualified": 1}
    spent = sql("select runs, cost from qualification_days")
    paid = sql("select sum(cost) as cost from api_usage where reason = 'qualification'")[0]["cost"]
    assert spent == [{"runs": 1, "cost": paid}], "what it cost, not the most that it might have"


def test_a_failure_changes_nothing_and_is_tried_again_later(stack: Stack, sql: Sql, anna: Chat) -> None:
    say(stack, anna, "how can I pay?")
    stack.ai.next(AiBehaviour(text="no JSON at all"))
    assert run(stack) == {"failed": 1}
    assert run(stack) == {}
    assert fields_of(sql, anna) == (None, None, None, None)
    silence(sql, 700)
    stack.ai.next(lead(("payment", "how can I pay")))
    assert run(stack) == {"qualified": 1}


def test_two_runs_at_once_claim_a_conversation_once(stack: Stack, sql: Sql, anna: Chat) -> None:
    say(stack, anna, "how can I pay?")
    claims = in_parallel(4, lambda _: sql("select claim_qualification(0.01) as claim")[0]["claim"])
    assert len([one for one in claims if one]) == 1
    assert sql("select runs from crm_cards") == [{"runs": 1}]


def test_a_claim_that_was_taken_over_stores_nothing(stack: Stack, sql: Sql, anna: Chat) -> None:
    say(stack, anna, "how can I pay?")
    first = sql("select claim_qualification(0.01) as claim")[0]["claim"]
    silence(sql, 700)
    sql("update crm_cards set claimed_until = now()")
    second = sql("select claim_qualification(0.01) as claim")[0]["claim"]
    result = json.dumps({"signals": [], "language": "en", "score": 99})
    done = [
        sql("select save_qualification(%s, %s, %s::jsonb) as done", one["id"], one["claim"], result)[0][
            "done"
        ]
        for one in (first, second)
    ]
    assert done == [{"saved": False}, {"saved": True}]


def test_users_with_a_key_of_their_own_and_banned_ones_are_left_out(
    stack: Stack, sql: Sql, anna: Chat
) -> None:
    say(stack, anna, "how can I pay?")
    sql("update users set banned_at = now() where telegram_id = %s", anna.id)
    assert run(stack) == {}
    sql("update users set banned_at = null where telegram_id = %s", anna.id)
    sql(
        "insert into user_tokens (user_id, provider, ciphertext, key_id, last_four, is_active)"
        " values (%s, 'openai', 'x', 'k', '1234', true)",
        user_id(sql, anna),
    )
    assert run(stack) == {}
