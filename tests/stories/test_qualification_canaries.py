"""What must reach no call to the AI: contacts, payment data, keys, notes of the team, words of others."""

from __future__ import annotations

import json

import pytest

from tests.stories.test_messenger_thread import conversation_of
from tests.stories.test_qualification import anna, lead, run, say, silence  # noqa: F401
from tests.telegram.test_updates import Sql
from tools.emulator.stack import Stack
from tools.emulator.telegram.users import Chat

# What each stands for, as a user may write it.
CANARIES = {
    "phone": "+7 (913) 555-01-73",
    "plain phone": "89135550174",
    "e-mail": "canary.anna@example.com",
    "card": "4276 3800 1234 5679",
    "account": "40817810099910004312",
    "iban": "DE89370400440532013000",
    "wallet": "TQrZ9wBd3eY7kLmN5pXs2vFg8hJt4cUa6R",
    "key": "sk-" + "proj1234567890abcdefghijCANARY",
}
PIECES = ("913", "5550174", "canary.anna", "4276", "5679", "408178", "DE8937", "TQrZ9w", "CANARY")


@pytest.fixture
def request_text(stack: Stack, sql: Sql, anna: Chat) -> str:  # noqa: F811
    """The request of a qualification, after the user and the team said all that must not leave."""
    ben = stack.telegram.user("Ben", "en").chat("assistant")
    say(stack, ben, "my words, ZEBRA-BEN, are my own business")
    say(stack, anna, "I run a bakery", "we need a bot for orders")
    found = conversation_of(sql, anna.id)
    # As messages of the user, also where the bot would read them as commands or inputs.
    for number, text in enumerate(CANARIES.values(), 1):
        sql(
            "insert into conversation_messages"
            " (conversation_id, user_id, body, direction, kind, source, seq, version)"
            " values (%s, %s, %s, 0, 'text', 'user', %s, 1)",
            found["id"],
            found["user_id"],
            f"my {text} is here",
            900 + number,
        )
    rows = (
        ("note", "staff", 1, "NOTE-CANARY of the team", None),
        ("text", "staff", 1, "STAFF-CANARY reply", None),
        ("text", "bot", 1, "MENU-CANARY: balance 5", None),
        ("contact", "user", 0, "CONTACT-CANARY", '{"phone": "+79135550175"}'),
        ("text", "user", 0, "FORWARD-CANARY of a friend", '{"is_forwarded": true}'),
    )
    for number, (kind, source, direction, body, media) in enumerate(rows, 1):
        sql(
            "insert into conversation_messages"
            " (conversation_id, body, direction, kind, source, seq, version, media)"
            " values (%s, %s, %s, %s, %s, %s, 1, %s::jsonb)",
            found["id"],
            body,
            direction,
            kind,
            source,
            950 + number,
            media,
        )
    sql("update conversations set last_in_seq = 960, last_seq = 960 where id = %s", found["id"])
    sql(
        "update conversations set ai_real_name = 'TYPED-CANARY', ai_background = 'call +79135550176'"
        " where id = %s",
        found["id"],
    )
    sql(
        "insert into crm_cards (conversation_id, locked, next_action)"
        " values (%s, '{real_name}', 'PLAN-CANARY of the team')",
        found["id"],
    )
    sql(
        "insert into orders (user_id, product_key, provider, currency, amount, kind, bot, expires_at,"
        " contact, checkout_url)"
        " select %s, key, 'fake', 'RUB', 1, kind, 'assistant', now(), 'order.canary@example.com',"
        " 'https://pay.example.com/CHECKOUT-CANARY' from products limit 1",
        found["user_id"],
    )
    silence(sql)
    stack.ai.next(lead())
    assert run(stack) == {"qualified": 1}
    return json.dumps(stack.ai.requests[-1], ensure_ascii=False)


def test_nothing_that_must_not_leave_is_in_the_request(request_text: str) -> None:
    assert "we need a bot for orders" in request_text, "the test reads the right request"
    pieces = (*PIECES, "ZEBRA", "order.canary", "5550175", "5550176")
    assert [piece for piece in pieces if piece in request_text] == []


def test_the_request_holds_the_named_fields_and_no_others(request_text: str, stack: Stack) -> None:
    _system, user = stack.ai.requests[-1]["messages"]
    assert user["role"] == "user"
    sent = json.loads(user["content"])
    assert set(sent) == {"known", "messages"}
    assert set(sent["known"]) == {"real_name", "background", "query"}
    assert {key for one in sent["messages"] for key in one} == {"number", "from", "text"}
    assert {one["from"] for one in sent["messages"]} <= {"user", "assistant"}
    assert sum(len(one["text"]) for one in sent["messages"]) <= 6_000
    assert len(sent["messages"]) <= 20
    assert "user" not in stack.ai.requests[-1], "no name of the user either"


def test_a_forwarded_message_is_marked(stack: Stack, sql: Sql, anna: Chat) -> None:  # noqa: F811
    update = {
        "message_id": 77,
        "text": "words of a friend",
        "forward_origin": {"type": "hidden_user", "sender_user_name": "Friend", "date": 1},
    }
    from shared.telegram.messenger.incoming import describe_message

    described = describe_message(update)
    assert described is not None
    assert described["media"] == {"is_forwarded": True}
